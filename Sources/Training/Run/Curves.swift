internal import Charts

/// The curves of a run as an SVG image: the losses of all steps (each point the mean of some), and the
/// recalls of every evaluation.
struct Curves {
  private let steps: [StepReport]
  private let evaluations: [EvaluationReport]

  init(_ log: RunLog) {
    steps = log.steps
    evaluations = log.evaluations
  }

  /// The whole file.
  func svg() -> String {
    let losses = [
      curve("ITC", \.itc), curve("ITM", \.itm), curve("LM", \.lm),
      curve("loss", { Optional($0.loss) }),
    ].compactMap { $0 }
    let recalls = [
      recall("text → image R@1, ITC", \.itc?.img_r1), recall("after ITM", \.itm?.img_r1),
      recall("image → text R@1, ITC", \.itc?.txt_r1), recall("after ITM", \.itm?.txt_r1),
      recall("LM loss, held out", \.lm),
    ].compactMap { $0 }
    let last = Double(max(1, steps.last?.step ?? 1))
    let ticks = (0...4).map { (last * Double($0) / 4).rounded() }
    return LineChart.document(
      [("losses", losses), ("held-out pictures", recalls)].filter { !$0.1.isEmpty }.map {
        LineChart($0, $1, xTicks: ticks)
      })
  }

  private func curve(_ name: String, _ value: (StepReport) -> Double?) -> LineChart.Curve? {
    let all = steps.compactMap { step in value(step).map { (x: Double(step.step), y: $0) } }
    guard !all.isEmpty else { return nil }
    let group = max(1, all.count / 300)
    let points = stride(from: 0, to: all.count, by: group).map { start in
      let some = all[start..<min(start + group, all.count)]
      let count = Double(some.count)
      return (x: some.reduce(0) { $0 + $1.x } / count, y: some.reduce(0) { $0 + $1.y } / count)
    }
    return LineChart.Curve(name, points)
  }

  private func recall(
    _ name: String, _ value: (EvaluationReport) -> Double?
  ) -> LineChart.Curve? {
    let points = evaluations.compactMap { report in
      value(report).map { (x: Double(report.step), y: $0) }
    }
    return points.isEmpty ? nil : LineChart.Curve(name, points, isMarked: true)
  }
}
