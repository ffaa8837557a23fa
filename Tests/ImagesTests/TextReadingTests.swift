import TestSupport
import Testing

@testable import Images

@Suite("Text in pictures")
struct TextReadingTests {
  private static let isInstalled = (try? ImageDecoder().requireTextReading()) != nil

  @Test(
    "its words are read, and nothing where there is none",
    .enabled(if: isInstalled, "Tesseract or its file for English is not installed"))
  func words() throws {
    let decoder = ImageDecoder()
    let text = try decoder.text(in: DrawnText.bitmap("HOTEL SCHOOL"))
    #expect(Set(text.split(separator: " ")) == ["HOTEL", "SCHOOL"])
    #expect(try decoder.text(in: DrawnText.bitmap("   ")) == "")
    #expect(try decoder.text(in: Fixtures.bytes(of: "rgb-raw.tif")) == "")
    #expect(try decoder.text(in: [1, 2, 3]) == "")
  }

  /// Commands to run instead of the process that reads.
  static let answers = [
    ("exit 0", ""),
    ("kill -SEGV $$", ""),
    (answering([3, 3, 0, 0, 0, 0, 0, 0], Array("Cé".utf8)), "Cé"),
    // Longer than any text; not UTF-8; what steers a terminal; a picture where text was asked for.
    (answering([1 << 20, 3, 0, 0, 0, 0, 0, 0], []), ""),
    (answering([2, 3, 0, 0, 0, 0, 0, 0], [0xC3, 0x43]), ""),
    (answering([2, 3, 0, 0, 0, 0, 0, 0], [0x1B, 0x43]), ""),
    (answering([3, 1, 1, 1, 3, 1, 1, 1], [1, 2, 3]), ""),
  ]

  private static func answering(_ header: [Int], _ body: [UInt8]) -> String {
    let bytes = header.flatMap { field in
      (0..<8).map { UInt8(truncatingIfNeeded: field >> (8 * $0)) }
    }
    // Three digits each, so that none takes the next one's.
    let octal = (bytes + body).map { byte in
      "\\" + [6, 3, 0].map { String(byte >> $0 & 7) }.joined()
    }.joined()
    return "printf '\(octal)' >&0; exec cat > /dev/null"
  }

  @Test("a process that ends or answers wrongly has read nothing", arguments: answers)
  func process(script: String, text: String) throws {
    let decoder = IsolatedDecoder(
      command: ["/bin/sh", "-c", script], timeLimit: .seconds(600))
    // One that answered as it should is asked again, and these do not answer twice.
    for _ in 0..<(text.isEmpty ? 2 : 1) {
      #expect(try decoder.text(in: DrawnText.bitmap("HOTEL")) == text)
    }
  }

  @Test("a missing library or language is one line that names the package")
  func missing() throws {
    for (error, package) in [
      (TextReadingError.noLibrary, "libtesseract5"), (.noLanguage, "tesseract-ocr-eng"),
    ] {
      let text = error.description
      #expect(text.contains(package))
      let script = Self.answering([text.utf8.count, 0, 0, 0, 0, 0, 0, 0], Array(text.utf8))
      let decoder = IsolatedDecoder(command: ["/bin/sh", "-c", script], timeLimit: .seconds(600))
      #expect(throws: error) { try decoder.requireTextReading() }
    }
  }
}
