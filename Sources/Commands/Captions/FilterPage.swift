import Files
import Retrieval

/// The HTML page that `blip filter --html` writes: the texts that are most certainly noise, and those
/// that most certainly are not.
struct FilterPage {
  /// At most this many of each are shown.
  private static let shown = 48

  let threshold: Float
  let model: String
  /// Whether probabilities are calibrated.
  let isCalibrated: Bool
  private var dropped: [(text: FilteredText, probability: Float)] = []
  private var kept: [(text: FilteredText, probability: Float)] = []

  init(threshold: Float, model: String, isCalibrated: Bool) {
    (self.threshold, self.model, self.isCalibrated) = (threshold, model, isCalibrated)
  }

  /// Adds a text if it is among the most certain so far.
  mutating func consider(_ text: FilteredText, isKept: Bool) {
    guard case .success(let probability) = text.probability else { return }
    if isKept {
      Self.insert((text, probability), into: &kept) { $0 > $1 }
    } else {
      Self.insert((text, probability), into: &dropped) { $0 < $1 }
    }
  }

  private static func insert(
    _ entry: (text: FilteredText, probability: Float),
    into list: inout [(text: FilteredText, probability: Float)],
    isBetter: (Float, Float) -> Bool
  ) {
    if list.count == shown, !isBetter(entry.probability, list[shown - 1].probability) { return }
    let place = list.firstIndex { isBetter(entry.probability, $0.probability) } ?? list.count
    list.insert(entry, at: place)
    if list.count > shown { list.removeLast() }
  }

  func write(to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(HTMLPage.head(title: "Filtered texts", style: PageStyle.grid))
    try write(dropped, "Dropped", "least likely first", to: file)
    try write(kept, "Kept", "most likely first", to: file)
    try file.write(HTMLPage.foot)
    try file.commit()
  }

  private func write(
    _ entries: [(text: FilteredText, probability: Float)], _ title: String, _ order: String,
    to file: AtomicFile
  ) throws {
    try file.write(
      """
      <header>
      <h1>\(title)</h1>
      <p>\(counted(entries.count, "text")), \(order); threshold: probability \
      <b>\(percent(threshold))</b> by \(escaped(model))</p>
      </header>
      <main>

      """)
    for (text, probability) in entries {
      try file.write(
        HTMLPage.tile(
          text.path,
          caption: [
            "<p class=\"caption\">\(escaped(text.text))</p>", HTMLPage.path(text.picture),
          ],
          scores: HTMLPage.figure(
            isCalibrated ? .probability(probability) : .match(probability))
            + "<span>\(text.source.provenance)</span>"))
    }
    try file.write("</main>\n")
  }
}
