import Files
import Images
import Retrieval

/// Results with a thumbnail each, for a terminal.
struct PreviewList {
  /// The most rows and columns of a thumbnail.
  private static let (rows, columns) = (10, 34)

  let console: Console

  /// Writes the rows, each with the picture at the same place of `locations`; one that cannot be read says
  /// so.
  func write(_ rows: [RankedRow], locations: [[UInt8]]) throws {
    let terminal = TerminalPicture(console)
    let columns = min(Self.columns, console.width * 2 / 5)
    for (index, (row, location)) in zip(rows, locations).enumerated() {
      let drawing = try? terminal.draw(
        DecodeCommand.decoder.picture(at: location, forSide: Self.side).fitted(to: Self.side),
        columns: columns, rows: Self.rows)
      let text = lines(row, rank: index + 1, width: console.width - columns - 2)
      switch (drawing, terminal.method) {
      case (let drawing?, .characters):
        try console.write(Self.beside(drawing, text, columns: columns))
      case (let drawing?, .pixels):
        try console.write(text.map { $0 + "\n" }.joined() + drawing.lines.joined() + "\n\n")
      case (nil, _):
        let missing = console.dimmed("This picture can no longer be read.")
        try console.write((text + [missing, ""]).map { $0 + "\n" }.joined())
      }
    }
  }

  /// Pixels of a thumbnail's longer side: enough for the cells of any terminal.
  private static let side = 512

  /// What is said of a hit, in lines of at most `width` characters.
  private func lines(_ row: RankedRow, rank: Int, width: Int) -> [String] {
    let figures = [row.figure.map { percent($0.named.value) }, fixed(Double(row.cosine), 4)]
      .compactMap { $0 }
    func cut(_ text: String) -> String {
      let text = printable(text)
      return text.count > max(8, width) ? text.prefix(max(8, width) - 1) + "…" : text
    }
    return ["\(rank)  " + figures.joined(separator: "  "), cut(row.text)]
      + row.notes.prefix(Self.rows - 2).map { console.dimmed(cut($0)) }
  }

  /// Lines of a picture with lines of text to its right, and an empty line.
  private static func beside(
    _ drawing: TerminalPicture.Drawing, _ text: [String], columns: Int
  ) -> String {
    let gap = String(repeating: " ", count: columns - drawing.columns + 2)
    let empty = String(repeating: " ", count: drawing.columns)
    var result = ""
    for index in 0..<max(drawing.lines.count, text.count) {
      result += index < drawing.lines.count ? drawing.lines[index] : empty
      if index < text.count { result += gap + text[index] }
      result += "\n"
    }
    return result + "\n"
  }
}
