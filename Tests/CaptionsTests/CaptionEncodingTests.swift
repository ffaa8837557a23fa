import TestSupport
import Testing

@testable import Captions

@Suite("The encoding of a captions file") struct CaptionEncodingTests {
  private static let text = "[{\"image\": \"é.png\", \"caption\": \"ein Café 😀\"}]"
  private static let expected = [record("é.png", "ein Café 😀")]

  private func utf16(_ units: some Sequence<UInt16>, bigEndian: Bool) -> [UInt8] {
    units.flatMap { unit -> [UInt8] in
      let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
      return bigEndian ? [high, low] : [low, high]
    }
  }

  @Test("may be UTF-16 with a byte order mark", arguments: [false, true])
  func utf16(bigEndian: Bool) throws {
    let bytes = utf16([0xFEFF] + Array(Self.text.utf16), bigEndian: bigEndian)
    let file = try captions(bytes)
    #expect(file.records == Self.expected)
    #expect(file.warnings == [])
    let table = utf16([0xFEFF] + Array("image\tcaption\r\na\tä".utf16), bigEndian: bigEndian)
    #expect(try captions(table).records == [record("a", "ä")])
  }

  @Test("of UTF-16 with lone surrogates is read with a warning") func loneSurrogates() throws {
    let units = [0xFEFF] + Array("image,caption\na,A ".utf16) + [0xD800, 0x41]
    let file = try captions(utf16(units, bigEndian: false))
    #expect(file.records == [record("a", "A \u{FFFD}A")])
    #expect(file.warnings.first?.contains("lone surrogates") == true)
  }

  @Test("that is not UTF-8 is named, and so is what to do", arguments: [false, true])
  func withoutMark(bigEndian: Bool) {
    let bytes = utf16(Array(Self.text.utf16), bigEndian: bigEndian)
    let name = bigEndian ? "iconv -f UTF-16BE -t UTF-8" : "iconv -f UTF-16LE -t UTF-8"
    expectError(bytes, name)
    expectError(bytes + [0], name)
    expectError([0xFF, 0xFE] + bytes + [0], "whole")
    expectError([0xFF, 0xFE, 0, 0] + bytes, "UTF-32")
    expectError(Array("image,caption\n".utf8) + [0, 0x41], "binary")
  }

  @Test("of Latin-1 is told from damaged UTF-8") func latin() throws {
    expectError(
      Array("image,caption\na.png,A\nb.png,caf".utf8) + [0xE9] + Array(" noir\nc.png,".utf8) + [
        0xFC
      ],
      ", line 3: text that is not UTF-8 but looks like Latin-1")
    expectError(
      Array("[{\"image\":\"a\",\"caption\":\"".utf8) + [0xE9] + Array("\"}]".utf8),
      "iconv -f WINDOWS-1252 -t UTF-8")
    // Where other text is UTF-8, only the record is lost.
    for position in 0..<2 {
      var lines = [Array("{\"image\": \"a\", \"caption\": \"é\"}\n".utf8)]
      lines.insert(
        Array("{\"image\": \"b\", \"caption\": \"".utf8) + [0xE9] + Array("\"}\n".utf8),
        at: position)
      let file = try captions(lines.joined())
      #expect(file.records.filter { !$0.captions.isEmpty } == [record("a", "é")])
      #expect(file.warnings.first?.contains("line \(position + 1): ") == true)
    }
    // And of a file that was cut off within a character, the last.
    let cut = try captions(Array("image,caption\na,A\nb,B".utf8) + [0xC3])
    #expect(cut.records == [record("a", "A")])
    #expect(cut.warnings.first?.contains("line 3: text that is not UTF-8") == true)
  }

  @Test(
    "of a file of another kind is refused by its name",
    arguments: [
      ("PAR1\u{15}\u{04}\u{15}B", "Parquet is not read; convert it to JSONL"),
      ("ARROW1\u{00}\u{00}", "read_feather"),
      ("\u{1F}\u{8B}\u{08}\u{00}", "gunzip"),
      ("PK\u{03}\u{04}\u{14}\u{00}", "ZIP"),
      ("\u{28}\u{B5}\u{2F}\u{FD}\u{00}", "unzstd"),
      ("\u{80}\u{04}\u{95}\u{00}", "pickle"),
      ("SQLite format 3\u{00}", "SQLite"),
      ("\u{89}PNG\r\n\u{1A}\n\u{00}\u{00}\u{00}\u{0D}", "binary"),
    ])
  func otherKinds(_ bytes: String, _ says: String) {
    expectError(bytes.unicodeScalars.map { UInt8($0.value) }, says)
  }

  private func expectError(_ bytes: [UInt8], _ says: String) {
    let error = #expect(throws: CaptionError.self) { try captions(bytes) }
    #expect(error?.description.contains("captions.json") == true)
    #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("\n") == false)
  }
}
