import Retrieval

/// The number of texts of each source that were kept, dropped, and unread because their picture could
/// not be read.
struct FilterCounts {
  private var counts: [String: (kept: Int, dropped: Int, unread: Int)] = [:]

  /// Counts texts that are kept unfiltered.
  mutating func addHuman(_ number: Int) {
    if number > 0 { counts["human"] = (number, 0, 0) }
  }

  mutating func add(_ text: FilteredText, isKept: Bool) {
    var count = counts[text.source.provenance] ?? (0, 0, 0)
    if isKept {
      count.kept += 1
    } else if case .failure = text.probability {
      count.unread += 1
    } else {
      count.dropped += 1
    }
    counts[text.source.provenance] = count
  }

  /// Ends the command with the exit code for texts whose pictures could not be read.
  func end() throws {
    let filtered = counts.filter { $0.key != "human" }.values
    let unread = filtered.reduce(0) { $0 + $1.unread }
    let total = filtered.reduce(unread) { $0 + $1.kept + $1.dropped }
    try PartialSuccess.end(
      failed: unread, of: total, "text",
      "could not be compared with \(total == 1 ? "its" : "their") pictures")
  }

  var table: String {
    var rows = [["source", "texts", "kept", "dropped", "unread", "kept %"]]
    func row(_ name: String, _ count: (kept: Int, dropped: Int, unread: Int)) -> [String] {
      let total = count.kept + count.dropped + count.unread
      return [
        name, "\(total)", "\(count.kept)", "\(count.dropped)", "\(count.unread)",
        total > 0 ? fixed(100 * Double(count.kept) / Double(total), 1) : "–",
      ]
    }
    rows += counts.sorted { $0.key < $1.key }.map { row($0.key, $0.value) }
    if counts.count > 1 {
      rows.append(
        row("all", counts.values.reduce((0, 0, 0)) { ($0.0 + $1.0, $0.1 + $1.1, $0.2 + $1.2) }))
    }
    return Table.aligned(rows, rightAligned: [1, 2, 3, 4, 5])
  }
}
