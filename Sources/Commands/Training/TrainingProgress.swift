import Files
import Synchronization
import Training

/// Shows the progress of a training run: on a terminal a line that is redrawn, else a line every half
/// minute; and a line for the evaluation after every epoch.
final class TrainingProgress: Sendable {
  private struct State {
    var hasLine = false
    var lastDrawn = -Double.infinity
    var failures = 0
    var rate = Rate()
    var pairs = 0
  }

  private let console: Console
  private let state = Mutex(State())
  /// At most this many failures are shown with their reasons.
  private static let shownFailures = 20

  init(console: Console) { self.console = console }

  func receive(_ event: RunEvent) {
    state.withLock { state in
      switch event {
      case .note(let text): note(printable(text), &state)
      case .failed(let path, let reason):
        state.failures += 1
        if state.failures <= Self.shownFailures {
          note("\(printable(path)): \(printable(reason)); skipped", &state)
        }
      case .caching(let done, let of):
        state.rate.add(count: done, at: monotonicSeconds())
        let left = state.rate.perSecond.map { ", \(clock(Double(of - done) / $0)) left" } ?? ""
        draw("stem: \(done) of \(of) pictures\(left)", isLast: done == of, &state)
        if done == of { state.rate = Rate() }
      case .step(let step):
        state.pairs += step.pairs
        state.rate.add(count: state.pairs, at: monotonicSeconds())
        draw(Self.line(step, pairsPerSecond: state.rate.perSecond), isLast: false, &state)
      case .evaluating(let share):
        draw("evaluating: \(fixed(share * 100, 0)) %", isLast: false, &state)
      case .evaluated(let report, let isBest):
        note(Self.line(report) + (isBest ? "; best so far" : ""), &state)
        state.rate = Rate()
      }
    }
  }

  /// Removes the line and counts the pictures skipped.
  func finish() {
    state.withLock { state in
      clear(&state)
      if state.failures > Self.shownFailures {
        Console.note("in total, \(counted(state.failures, "picture")) could not be read")
      }
    }
  }

  /// "epoch 2, step 812 of 4050: loss 5.31 (ITC 2.10, ITM 0.41, LM 2.80), 22.1 pairs/s, 2:36:10 left"
  private static func line(_ step: StepReport, pairsPerSecond: Double?) -> String {
    let losses = [("ITC", step.itc), ("ITM", step.itm), ("LM", step.lm)].compactMap { name, loss in
      loss.map { "\(name) \(fixed($0, 2))" }
    }
    let pace = pairsPerSecond ?? step.pairsPerSecond
    let left = Double(step.steps - step.step) * Double(step.pairs) / max(pace, 1e-9)
    return "epoch \(step.epoch), step \(step.step) of \(step.steps): loss \(fixed(step.loss, 2)) "
      + "(\(losses.joined(separator: ", "))), \(fixed(pace, 1)) pairs/s, \(clock(left)) left"
  }

  private static func line(_ report: EvaluationReport) -> String {
    func recalls(_ recall: EvaluationReport.Recall) -> String {
      "text → picture \(fixed(recall.img_r1, 1)) / \(fixed(recall.img_r5, 1)) / "
        + "\(fixed(recall.img_r10, 1)), picture → text \(fixed(recall.txt_r1, 1)) / "
        + "\(fixed(recall.txt_r5, 1)) / \(fixed(recall.txt_r10, 1))"
    }
    var parts: [String] = []
    if let itc = report.itc { parts.append("ITC \(recalls(itc))") }
    if let itm = report.itm {
      let weight = report.itcWeight.map { " (+ \(fixed(Double($0), 0)) × cosine)" } ?? ""
      parts.append("with ITM\(weight) \(recalls(itm))")
    }
    if let lm = report.lm { parts.append("LM loss \(fixed(lm, 3))") }
    return "epoch \(report.epoch), \(counted(report.pictures, "picture")) held out (R@1/5/10): "
      + parts.joined(separator: "; ")
  }

  private func note(_ text: String, _ state: inout State) {
    clear(&state)
    Console.note(text)
  }

  private func draw(_ text: String, isLast: Bool, _ state: inout State) {
    let now = monotonicSeconds()
    guard isLast || now - state.lastDrawn >= (console.isTerminal ? 0.2 : 30) else { return }
    state.lastDrawn = now
    guard console.isTerminal else { return Console.note(text) }
    try? console.write("\r\u{1B}[K\(text.prefix(console.width - 1))")
    state.hasLine = true
  }

  private func clear(_ state: inout State) {
    guard state.hasLine else { return }
    try? console.write("\r\u{1B}[K")
    state.hasLine = false
  }
}
