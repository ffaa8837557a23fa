import Testing

@testable import Images

@Suite("Decoding in processes of their own")
struct IsolationTests {
  private static let tiff = Fixtures.bytes(of: "rgb-raw.tif")

  /// What a shell writes back for these bytes.
  private static func answering(_ bytes: [UInt8]) -> String {
    let octal = bytes.map { "\\" + String($0, radix: 8) }.joined()
    return "printf '\(octal)' >&0"
  }

  private static func answer(_ fields: [Int]) -> [UInt8] {
    fields.flatMap { field in (0..<8).map { UInt8(truncatingIfNeeded: field >> (8 * $0)) } }
  }

  /// A process that has ended is told as such, whatever it wrote before.
  private static let staying = "; exec cat > /dev/null"

  /// What a shell does in the place of a decoder, and the words that it is told by.
  static let mishaps = [
    ("exit 0", "ended"),
    ("kill -SEGV $$", "crashed (signal 11)"),
    ("exec sleep 60", "took longer"),
    // A billion pixels; lengths that do not fit each other; no such format; an endless text.
    (
      answering(answer([3_000_000_000, 1, 100_000, 10_000, 3, 1, 1, 1])) + staying,
      "answered nonsense"
    ),
    (answering(answer([7, 1, 1, 1, 3, 1, 1, 1])) + staying, "answered nonsense"),
    (answering(answer([3, 1, 1, 1, 99, 1, 1, 1]) + [1, 2, 3]) + staying, "answered nonsense"),
    (answering(answer([1 << 40, 0, 0, 0, 0, 0, 0, 0])) + staying, "answered nonsense"),
    (answering(answer([-1, -1, -1, -1, -1, -1, -1, -1])) + staying, "answered nonsense"),
    // Less than was announced.
    (answering(answer([3, 1, 1, 1, 3, 1, 1, 1]) + [1, 2]), "ended"),
    (answering([1, 2, 3]), "ended"),
  ]

  @Test(
    "a decoder that ends, crashes, hangs or answers nonsense is an error of one picture",
    arguments: mishaps)
  func mishap(script: String, words: String) throws {
    // Short only where it has to pass: the others answer however slow the machine is.
    let decoder = IsolatedDecoder(
      command: ["/bin/sh", "-c", script],
      timeLimit: words == "took longer" ? .milliseconds(300) : .seconds(600))
    // The next picture gets a process of its own.
    for _ in 0..<2 {
      let error = #expect(throws: ImageError.self) {
        try decoder.decode(Self.tiff, forSide: nil)
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains("TIFF") == true)
    }
  }

  @Test("what a decoder answers is the picture; its refusals are errors") func answers() throws {
    let pixel = Self.answer([3, 1, 1, 1, 3, 5, 6, 8]) + [7, 8, 9]
    let text = Array("the TIFF file ends early".utf8)
    let refusal = Self.answer([text.count, 0, 0, 0, 0, 0, 0, 0]) + text
    let decoder = IsolatedDecoder(
      command: ["/bin/sh", "-c", "\(Self.answering(pixel)); \(Self.answering(refusal)); cat >&0"])
    let (picture, facts) = try decoder.decode(Self.tiff, forSide: nil)
    #expect(picture == Picture(width: 1, height: 1, pixels: [7, 8, 9]))
    #expect(facts == ImageFacts(format: .tiff, width: 5, height: 6, orientation: 8))
    // The same process is asked again.
    #expect(throws: ImageError.refused("the TIFF file ends early")) {
      try decoder.decode(Self.tiff, forSide: nil)
    }
  }

  @Test("JPEG and PNG need no process; a process that cannot be started is no error of a picture")
  func trusted() throws {
    let decoder = IsolatedDecoder(command: ["/no/such/program"])
    for name in ["rgb444.jpg", "rgb.png"] {
      let bytes = Fixtures.bytes(of: name)
      #expect(
        try decoder.decode(bytes, forSide: nil).picture
          == ImageDecoder().decode(bytes, forSide: nil).picture)
    }
    #expect(throws: MachineError.self) { try decoder.decode(Self.tiff, forSide: nil) }
  }
}
