import Files
import FoundationEssentials
import TestSupport
import Retrieval
import Testing

@testable import Commands

@Suite("Formatting")
struct FormattingTests {
  @Test(
    "Numbers with a fixed count of decimals",
    arguments: [
      (0.0, 2, "0.00"), (1.005, 1, "1.0"), (-0.066, 3, "-0.066"), (-0.0001, 2, "0.00"),
      (12.5, 0, "13"), (99.96, 1, "100.0"), (.infinity, 1, "inf"),
    ])
  func decimals(value: Double, decimals: Int, text: String) {
    #expect(fixed(value, decimals) == text)
  }

  @Test("Durations, times left, sizes, counts")
  func units() {
    #expect(duration(8.44) == "8.4 s" && duration(185) == "3:05" && duration(7385) == "2:03:05")
    #expect(clock(0.4) == "0:00" && clock(59.7) == "1:00" && clock(-3) == "0:00")
    #expect(clock(.infinity).isEmpty == false)
    #expect(size(ofBytes: 1023) == "1023 bytes" && size(ofBytes: 1536) == "1.5 KiB")
    #expect(size(ofBytes: 5 << 40) == "5.0 TiB")
    #expect(counted(1, "picture") == "1 picture" && counted(0, "text") == "0 texts")
  }

  @Test("The rate is that of the last seconds, and unknown at first")
  func rate() throws {
    var rate = Rate()
    rate.add(count: 0, at: 100)
    #expect(rate.perSecond == nil)
    rate.add(count: 10, at: 100.1)
    #expect(rate.perSecond == nil)
    // Ten a second for a while, then forty.
    for second in 1...30 { rate.add(count: second * 10, at: 100 + Double(second)) }
    #expect(abs(try #require(rate.perSecond) - 10) < 0.1)
    for second in 1...30 { rate.add(count: 300 + second * 40, at: 130 + Double(second)) }
    #expect(abs(try #require(rate.perSecond) - 40) < 0.1)
  }

  @Test("JSON reads back as what was written, control characters and all")
  func json() throws {
    struct Line: Decodable, Equatable {
      let text: String
      let numbers: [Float]
      let missing: String?
    }
    let text = "\"quoted\" \\ / \n\r\t\u{1}\u{7F}\u{2028} é 🦆 </script>"
    let numbers: [Float] = [0.1, -1e-30, 3.4e38, 16_777_216]
    let line = JSONOutput.object([
      ("text", .string(text)), ("missing", nil), ("numbers", .array(numbers.map { .float($0) })),
    ]).text
    #expect(!line.contains("\n") && !line.contains("missing"))
    let read = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
    #expect(read == Line(text: text, numbers: numbers, missing: nil))
  }

  @Test("HTML and addresses hold nothing that could end them")
  func escaping() {
    #expect(
      escaped("<a href=\"x\" b='y'>&amp;") == "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;")
    #expect(fileURL(Array("/a b/ü\"<%.png".utf8)) == "file:///a%20b/%C3%BC%22%3C%25.png")
    #expect(fileURL([0x2F, 0xFF, 0x0A]) == "file:///%FF%0A")
  }

  @Test("Columns line up")
  func table() {
    let text = Table.aligned([["name", "n"], ["a", "100"], ["longer", "7"]], rightAligned: [1])
    #expect(text == "name      n\na       100\nlonger    7\n")
  }
}
