/// A chart of curves over a common x axis, drawn as SVG.
package struct LineChart: Sendable {
  /// A named curve.
  package struct Curve: Sendable {
    /// Its label beside the chart, as plain text.
    package let name: String
    /// Its points, in the order in which they are connected.
    package let points: [(x: Double, y: Double)]
    /// Whether a marker is drawn at each point.
    package let isMarked: Bool

    /// A curve through `points`.
    package init(_ name: String, _ points: [(x: Double, y: Double)], isMarked: Bool = false) {
      (self.name, self.points, self.isMarked) = (name, points, isMarked)
    }
  }

  /// The size of a chart, in SVG units.
  package static let size = (width: 960.0, height: 370.0)
  private static let (width, height, left, top) = (760.0, 300.0, 56.0, 34.0)
  private static let colors = ["#1b6ca8", "#c8553d", "#3a7d44", "#8b5fbf", "#b8860b", "#444444"]

  private let title: String
  private let curves: [Curve]
  private let xTicks: [Double]
  private let highest: Double

  /// - Parameters:
  ///   - title: The title above the chart. Like the names of the curves it is inserted unescaped,
  ///     so it must contain no markup.
  ///   - xTicks: The labelled values of the x axis, in ascending order: at least two, the first and
  ///     last being the ends of the axis.
  ///   - highest: The upper end of the y axis, which begins at 0; nil: the greatest y value.
  package init(_ title: String, _ curves: [Curve], xTicks: [Double], highest: Double? = nil) {
    precondition(xTicks.count > 1 && xTicks.first! < xTicks.last!, "the x axis has no length")
    (self.title, self.curves, self.xTicks) = (title, curves, xTicks)
    self.highest = highest ?? max(curves.flatMap { $0.points.map(\.y) }.max() ?? 1, 1e-9)
  }

  /// Returns an SVG file with the charts below each other.
  package static func document(_ charts: [LineChart]) -> String {
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" \
      viewBox="0 0 \(number(size.width)) \(number(Double(charts.count) * size.height))" \
      font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>

      """
    for (index, chart) in charts.enumerated() {
      svg += "<g transform=\"translate(0 \(number(Double(index) * size.height)))\">\n"
      svg += chart.markup + "</g>\n"
    }
    return svg + "</svg>\n"
  }

  private var markup: String {
    let (width, height, left, top) = (Self.width, Self.height, Self.left, Self.top)
    let (first, last) = (xTicks[0], xTicks[xTicks.count - 1])
    func x(_ value: Double) -> String { number(left + width * (value - first) / (last - first)) }
    func y(_ value: Double) -> String {
      number(top + height * (1 - min(max(0, value) / highest, 1)))
    }
    var svg = "<text x=\"\(number(left))\" y=\"18\" font-weight=\"bold\">\(title)</text>\n"
    for tick in 0...4 {
      let value = highest * Double(tick) / 4
      svg +=
        "<path d=\"M\(number(left)) \(y(value))h\(number(width))\" stroke=\"#dddddd\"/>"
        + "<text x=\"\(number(left - 6))\" y=\"\(y(value))\" text-anchor=\"end\" dy=\"4\">"
        + "\(number(value))</text>\n"
    }
    for tick in xTicks {
      svg +=
        "<text x=\"\(x(tick))\" y=\"\(number(top + height + 18))\" text-anchor=\"middle\">"
        + "\(number(tick))</text>\n"
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
}

/// A number with at most two decimals.
private func number(_ value: Double) -> String {
  let hundredths = Int((value * 100).rounded())
  let (whole, part) = hundredths.magnitude.quotientAndRemainder(dividingBy: 100)
  let sign = hundredths < 0 ? "-" : ""
  return part == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(part < 10 ? "0" : "")\(part)"
}
