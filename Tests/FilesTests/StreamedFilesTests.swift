import Files
import TestSupport
import Testing

@Suite("Lines of a file")
struct LineReaderTests {
  @Test("Lines are counted, blank ones are passed over, the last one needs no end")
  func lines() throws {
    var reader = try LineReader(TemporaryFolder().write("a", "one\n\n \r\ntwo\nthree".utf8))
    var found: [String] = []
    while let line = try reader.next() {
      found.append("\(reader.line) \(String(decoding: line, as: UTF8.self))")
    }
    #expect(found == ["1 one", "4 two", "5 three"])
  }

  @Test(
    "Lines longer than a piece of the file are read; an endless one is an error with its number")
  func longLines() throws {
    let long = Array(repeating: UInt8(ascii: "x"), count: 3_000_000)
    var reader = try LineReader(
      TemporaryFolder().write("a", long + [0x0A] + long + [0x0A] + long + long))
    #expect(try reader.next()?.count == long.count)
    #expect(try reader.next()?.count == long.count)
    let error = #expect(throws: PathError.self) { try reader.next() }
    #expect(error?.description.contains("line 3") == true)
  }
}
