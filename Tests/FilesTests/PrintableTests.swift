import Files
import Testing

@Suite("What is printed on a terminal")
struct PrintableTests {
  @Test("Whatever would steer the terminal or break the line is replaced, in names and captions")
  func text() {
    #expect(
      printable("a\u{1B}[31mb\r\n\u{202E}c é🦆") == "a\u{FFFD}[31mb\u{FFFD}\u{FFFD}\u{FFFD}c é🦆")
  }

  @Test("A path shows on one line whatever its bytes")
  func path() {
    #expect(printable(Array("ä/b c.png".utf8)) == "ä/b c.png")
    #expect(printable([0x61, 0xFF, 0x62]) == "a\u{FFFD}b")
    #expect(printable(Array("a\nb\u{1B}[31m\u{9B}c".utf8)) == "a\u{FFFD}b\u{FFFD}[31m\u{FFFD}c")
    #expect(printable(Array("a\u{202E}gnp.exe\u{2066}".utf8)) == "a\u{FFFD}gnp.exe\u{FFFD}")
  }
}
