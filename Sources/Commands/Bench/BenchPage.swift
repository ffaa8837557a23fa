import BLIP
import Captions
import Charts
import Evaluation
import Files
import RankingMetrics
import Retrieval

/// The HTML page that `blip bench --html` writes: recall and latency by depth, reliability of
/// probabilities, and the worst failures.
struct BenchPage {
  let summary: BenchSummary
  private var report: RetrievalReport { summary.report }

  /// Writes the page failure by failure, so that only two pictures are in memory at a time.
  func write(to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(
      HTMLPage.head(title: "Retrieval evaluation", style: PageStyle.grid + Self.style))
    try file.write(
      """
      <header>
      <h1>Retrieval evaluation</h1>
      <p>\(escaped(summary.subject))</p>
      <p>\(escaped(report.set.file)); \(escaped(Machine.description))</p>
      </header>
      <pre>\(summary.text.split(separator: "\n", omittingEmptySubsequences: false)
        .map { escaped(String($0)) }.joined(separator: "\n"))</pre>
      <div class="charts">
      \(LineChart.document(charts))</div>

      """)
    if !report.failures.isEmpty {
      try file.write("<h2>Texts that prefer another picture by the widest margin</h2>\n<main>\n")
      for failure in report.failures { try file.write(tile(failure)) }
      try file.write("</main>\n")
    }
    try file.write(HTMLPage.foot)
    try file.commit()
  }

  private var charts: [LineChart] {
    let depths = report.depths.map { Double($0.depth) }
    var charts: [LineChart] = []
    if depths.count > 1 {
      charts.append(
        LineChart(
          "recall in percent, by rerank depth",
          ["img_r1", "img_r5", "img_r10", "txt_r1", "txt_r5", "txt_r10"].map { key in
            curve(key) { $0.metrics[key] }
          }, xTicks: depths))
      charts.append(
        LineChart(
          "milliseconds per text search, by rerank depth", [curve("median") { $0.milliseconds }],
          xTicks: depths))
    }
    guard let matching = report.matching else { return charts }
    let tenths = (0...10).map { Double($0) / 10 }
    charts.append(
      LineChart(
        "number of hits by probability",
        [
          steps("right", matching.reliability) { $0.matches },
          steps("wrong", matching.reliability) { $0.others },
        ], xTicks: tenths))
    charts.append(
      LineChart(
        "share of right hits, by probability",
        [
          reliability("measured", matching.reliability),
          LineChart.Curve("perfect calibration", [(x: 0, y: 0), (x: 1, y: 1)]),
        ], xTicks: tenths, highest: 1))
    return charts
  }

  private func curve(
    _ name: String, _ value: (RetrievalReport.Depth) -> Double?
  ) -> LineChart.Curve {
    LineChart.Curve(
      name,
      report.depths.compactMap { depth in value(depth).map { (x: Double(depth.depth), y: $0) } },
      isMarked: true)
  }

  /// The outline of a histogram.
  private func steps(
    _ name: String, _ bins: [ReliabilityDiagram.Bin], _ count: (ReliabilityDiagram.Bin) -> Int
  ) -> LineChart.Curve {
    let width = 1 / Double(bins.count)
    return LineChart.Curve(
      name,
      bins.enumerated().flatMap { place, bin in
        [place, place + 1].map { (x: Double($0) * width, y: Double(count(bin))) }
      })
  }

  private func reliability(_ name: String, _ bins: [ReliabilityDiagram.Bin]) -> LineChart.Curve {
    LineChart.Curve(
      name,
      bins.filter { $0.count > 0 }.map {
        (x: $0.sum / Double($0.count), y: Double($0.matches) / Double($0.count))
      }, isMarked: true)
  }

  private func tile(_ failure: RetrievalReport.Failure) -> String {
    let caption = report.set.pictures.flatMap(\.captions)[failure.text]
    func part(_ name: String, _ picture: Int, _ logits: MatchLogits) -> String {
      let path = joined(report.set.root, report.set.pictures[picture].path)
      return """
        <a class="picture" href="\(fileURL(path))">\(HTMLPage.thumbnail(of: path))</a>
        <p class="scores">\(name) match <b>\(percent(logits.probability))</b></p>

        """
    }
    return """
      <figure>
      <figcaption><p class="path">\(escaped(caption))</p>
      \(part("found", failure.found, failure.first))\
      \(part("correct, at rank \(failure.rank)", failure.picture, failure.own))</figcaption>
      </figure>

      """
  }

  private static let style = """

    pre { overflow-x: auto; margin-bottom: 2rem; font-size: .9em; }
    h2 { margin: 2rem 0 1rem; font-size: 1.2rem; }
    .charts { max-width: 62rem; }
    .charts svg { width: 100%; height: auto; }
    """
}
