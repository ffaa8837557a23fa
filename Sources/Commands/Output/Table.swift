internal import Files

/// A result as a row of a table.
struct RankedRow {
  /// How likely it is right, or ITM's probability of a match.
  var figure: RankedFigure?
  var cosine: Float
  var text: String
  /// Shown dimmed below the text: captions, or the path of a text's picture.
  var notes: [String]
}

/// The figure that a result is shown with.
enum RankedFigure {
  /// A calibrated probability that the result is right, which orders results.
  case probability(Float)
  /// ITM's probability of a match, of a model that is not calibrated.
  case match(Float)

  init?(probability: Float?, match: Float?) {
    if let probability {
      self = .probability(probability)
    } else if let match {
      self = .match(match)
    } else {
      return nil
    }
  }

  /// Its name, and its value from 0 to 1.
  var named: (name: String, value: Float) {
    switch self {
    case .probability(let value): ("probability", value)
    case .match(let value): ("match", value)
    }
  }
}

/// Tables for the terminal.
enum Table {
  /// Names and values in two columns.
  static func facts(_ facts: [(name: String, value: String)]) -> String {
    aligned(facts.map { [$0.name, $0.value] }, rightAligned: [])
  }

  /// Rows of cells in columns two spaces apart; the last column is not padded.
  static func aligned(_ rows: [[String]], rightAligned: Set<Int>) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        if rightAligned.contains(column) { return padding + cell }
        return column == row.count - 1 ? cell : cell + padding
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }

  /// Results in order: rank, the figure if any has one, cosine, text and notes.
  static func ranked(_ rows: [RankedRow], heading: String, console: Console) -> String {
    guard !rows.isEmpty else { return "" }
    let name = rows.lazy.compactMap { $0.figure?.named.name }.first
    let rankWidth = max(2, "\(rows.count)".count)
    func line(_ rank: String, _ figure: String, _ cosine: String, _ text: String) -> String {
      let cells =
        [padded(rank, rankWidth)] + (name.map { [padded(figure, max(7, $0.count))] } ?? [])
      return (cells + [padded(cosine, 7), text]).joined(separator: "  ")
    }
    var result = console.dimmed(line("", name ?? "", "cosine", heading)) + "\n"
    let indentation = String(repeating: " ", count: line("", "", "", "").count)
    for (index, row) in rows.enumerated() {
      result += line(
        "\(index + 1)", row.figure.map { percent($0.named.value) } ?? "–",
        fixed(Double(row.cosine), 4), printable(row.text))
      result += "\n"
      for note in row.notes {
        result += indentation + console.dimmed(printable(note)) + "\n"
      }
    }
    return result
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
