/// The curves of a run as an SVG picture: the losses of every step (mean of some neighbours), and
/// the recalls of every evaluation.
struct Curves {
  private let steps: [StepReport]
  private let evaluations: [EvaluationReport]
  private let last: Double

  init(_ log: RunLog) {
    steps = log.steps
    evaluations = log.evaluations
    last = Double(max(1, steps.last?.step ?? 1))
  }

  private struct Curve {
    let name: String
    let points: [(x: Double, y: Double)]
    let isMarked: Bool
  }

  private static let colors = ["#1b6ca8", "#c8553d", "#3a7d44", "#8b5fbf", "#b8860b", "#444444"]
  private static let (width, height, left, top) = (760.0, 300.0, 56.0, 34.0)

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
    let charts = [("losses", losses), ("held-out pictures", recalls)].filter { !$0.1.isEmpty }
    let height = Double(charts.count) * (Self.height + 70)
    var svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 \(number(height))\" "
      + "font-family=\"sans-serif\" font-size=\"12\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    for (index, chart) in charts.enumerated() {
      let offset = number(Double(index) * (Self.height + 70))
      svg += "<g transform=\"translate(0 \(offset))\">\n"
      svg += draw(chart.0, chart.1) + "</g>\n"
    }
    return svg + "</svg>\n"
  }

  private func curve(_ name: String, _ value: (StepReport) -> Double?) -> Curve? {
    let all = steps.compactMap { step in value(step).map { (x: Double(step.step), y: $0) } }
    guard !all.isEmpty else { return nil }
    let group = max(1, all.count / 300)
    let points = stride(from: 0, to: all.count, by: group).map { start in
      let some = all[start..<min(start + group, all.count)]
      let count = Double(some.count)
      return (x: some.reduce(0) { $0 + $1.x } / count, y: some.reduce(0) { $0 + $1.y } / count)
    }
    return Curve(name: name, points: points, isMarked: false)
  }

  private func recall(_ name: String, _ value: (EvaluationReport) -> Double?) -> Curve? {
    let points = evaluations.compactMap { report in
      value(report).map { (x: Double(report.step), y: $0) }
    }
    return points.isEmpty ? nil : Curve(name: name, points: points, isMarked: true)
  }

  private func draw(_ title: String, _ curves: [Curve]) -> String {
    let (width, height, left, top) = (Self.width, Self.height, Self.left, Self.top)
    let highest = max(curves.flatMap { $0.points.map(\.y) }.max() ?? 1, 1e-9)
    func x(_ step: Double) -> String { number(left + width * step / last) }
    func y(_ value: Double) -> String { number(top + height * (1 - max(0, value) / highest)) }
    var svg = "<text x=\"\(number(left))\" y=\"18\" font-weight=\"bold\">\(title)</text>\n"
    for tick in 0...4 {
      let value = highest * Double(tick) / 4
      svg +=
        "<path d=\"M\(number(left)) \(y(value))h\(number(width))\" stroke=\"#dddddd\"/>"
        + "<text x=\"\(number(left - 6))\" y=\"\(y(value))\" text-anchor=\"end\" dy=\"4\">"
        + "\(number(value))</text>\n"
    }
    for tick in 0...4 {
      let step = (last * Double(tick) / 4).rounded()
      svg +=
        "<text x=\"\(x(step))\" y=\"\(number(top + height + 18))\" text-anchor=\"middle\">"
        + "\(Int(step))</text>\n"
    }
    for (index, curve) in curves.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      let line = curve.points.map { "\(x($0.x)) \(y($0.y))" }.joined(separator: "L")
      svg += "<path d=\"M\(line)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"1.6\"/>\n"
      for point in curve.points where curve.isMarked {
        svg += "<circle cx=\"\(x(point.x))\" cy=\"\(y(point.y))\" r=\"3\" fill=\"\(color)\"/>\n"
      }
      svg +=
        "<text x=\"\(number(left + width + 10))\" y=\"\(number(top + 14 + 18 * Double(index)))\" "
        + "fill=\"\(color)\">\(curve.name)</text>\n"
    }
    return svg
  }

  /// A number with at most two decimals.
  private func number(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let (whole, part) = hundredths.magnitude.quotientAndRemainder(dividingBy: 100)
    let sign = hundredths < 0 ? "-" : ""
    return part == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(part < 10 ? "0" : "")\(part)"
  }
}
