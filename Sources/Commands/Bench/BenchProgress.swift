import Evaluation
import Files

/// Shows the progress of an evaluation: on a terminal a line that is redrawn, else a line every ten
/// seconds.
struct BenchProgress {
  private let console: Console
  private var rate = Rate()
  private var lastDrawn = -Double.infinity
  private var hasLine = false

  init(console: Console) { self.console = console }

  mutating func receive(_ event: EvaluationEvent) {
    switch event {
    case .texts(let done, let of): draw("texts", done, of)
    case .begun(let pairs, let before):
      finish()
      rate = Rate()
      let known = before > 0 ? ", \(before) of them already scored" : ""
      Console.note("\(counted(pairs, "picture-text pair"))\(known)")
    case .pairs(let done, let of): draw("pairs", done, of)
    case .timing:
      finish()
      if console.isTerminal { show("timing searches …") }
    case .indexing, .finished: break
    }
  }

  /// Removes the line.
  mutating func finish() {
    guard hasLine else { return }
    try? console.write("\r\u{1B}[K")
    hasLine = false
  }

  private mutating func draw(_ noun: String, _ done: Int, _ total: Int) {
    let now = monotonicSeconds()
    rate.add(count: done, at: now)
    guard now - lastDrawn >= (console.isTerminal ? 0.2 : 10) else { return }
    lastDrawn = now
    var line = "\(done) of \(total) \(noun)"
    if let perSecond = rate.perSecond {
      line += ", \(fixed(perSecond, 0))/s, \(clock(Double(total - done) / perSecond)) left"
    }
    if console.isTerminal { show(line) } else { Console.note(line) }
  }

  private mutating func show(_ line: String) {
    try? console.write("\r\u{1B}[K\(line.prefix(console.width - 1))")
    hasLine = true
  }
}
