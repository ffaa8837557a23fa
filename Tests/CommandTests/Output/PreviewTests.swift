import Images
import TestSupport
import Testing

@testable import Commands

@Suite("Pictures in a terminal")
struct TerminalPictureTests {
  /// The left half red, the right half blue.
  private static let picture = Picture(
    width: 64, height: 32,
    pixels: (0..<32).flatMap { _ in (0..<64).flatMap { $0 < 32 ? [255, 0, 0] : [0, 0, 255] } })

  private func drawn(
    _ environment: [String], hasColors: Bool = true
  ) -> (method: TerminalPicture.Method, drawing: TerminalPicture.Drawing) {
    let terminal = TerminalPicture(environment: environment, cell: nil, hasColors: hasColors)
    return (terminal.method, terminal.draw(Self.picture, columns: 20, rows: 10))
  }

  @Test("are lines of coloured characters, in the picture's proportions")
  func characters() throws {
    let (method, drawing) = drawn(["TERM=xterm-256color", "COLORTERM=truecolor"])
    #expect(method == .characters)
    // Twice as wide as high, of cells twice as high as wide.
    #expect(drawing.columns == 20 && drawing.lines.count == 5)
    for line in drawing.lines {
      #expect(line.contains("255;0;0") || line.contains("254;0;0"))
      #expect(line.contains("0;0;255") || line.contains("0;0;254"))
      #expect(line.hasSuffix("\u{1B}[0m"))
    }
    let indexed = drawn(["TERM=linux"]).drawing.lines.joined()
    #expect(indexed.contains("\u{1B}[") && !indexed.contains("8;2;"))
  }

  @Test("have no colours where none are wanted")
  func colourless() {
    let (method, drawing) = drawn(["TERM=xterm-256color", "COLORTERM=truecolor"], hasColors: false)
    #expect(method == .characters && drawing.lines.count == 5)
    #expect(!drawing.lines.joined().contains("8;"))
  }

  @Test(
    "use the terminal's own protocol where it has one",
    arguments: [
      (["TERM=xterm-kitty"], "\u{1B}_G"), (["TERM=mlterm"], "\u{1B}P"),
      (["TERM=xterm-256color", "TERM_PROGRAM=iTerm.app"], "\u{1B}]1337;File="),
    ])
  func protocols(environment: [String], start: String) {
    let (method, drawing) = drawn(environment)
    #expect(method == .pixels)
    #expect(drawing.lines.count == 1 && drawing.lines[0].contains(start))
  }
}

@Suite("blip search --preview")
struct PreviewTests {
  let collection = Shared.collection

  @Test("draws the hits in a terminal, each with rank, figure, name and captions")
  func terminal() throws {
    let command =
      #"script -qec "stty cols 100; '$0' search stripes --rerank 0 --preview -k 3 --index '$1' 2>/dev/null" /dev/null"#
    let outcome = BlipProcess(
      [collection.index], environment: ["TERM": "xterm-256color", "COLORTERM": "truecolor"],
      launcher: ["bash", "-c", command]
    ).outcome()
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(outcome.output.contains("\u{1B}[38;2;") || outcome.output.contains("\u{1B}[48;2;"))
    let plain = blip("search", "stripes", "--rerank", "0", "-k", "3", "--index", collection.index)
    for name in plain.output.matches(of: /picture-\d+\.jpg/).map({ String($0.0) }) {
      #expect(outcome.output.ranges(of: name).count == 1, "\(name)")
    }
    for rank in 1...3 { #expect(outcome.output.contains("  \(rank)  ")) }
    // No line is wider than the terminal.
    for line in outcome.output.split(whereSeparator: \.isNewline) {
      #expect(line.replacing(/\x1B\[[0-9;?]*[a-zA-Z]/, with: "").count <= 100)
    }
  }

  @Test("says that it needs a terminal, and shows the table, where there is none")
  func pipe() {
    let plain = blip("search", "stripes", "--rerank", "0", "--index", collection.index)
    let outcome = blip(
      "search", "stripes", "--rerank", "0", "--preview", "--index", collection.index)
    #expect(outcome.status == 0 && outcome.output == plain.output)
    #expect(outcome.warnings.count == 1 && outcome.errors.contains("terminal"))
  }
}
