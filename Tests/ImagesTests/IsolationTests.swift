import TestSupport
import Testing

@testable import Images

@Suite("Decoding in separate processes")
struct IsolationTests {
  private static let tiff = Fixtures.bytes(of: "rgb-raw.tif")

  /// A shell command that writes these bytes to the socket.
  private static func answering(_ bytes: [UInt8]) -> String {
    let octal = bytes.map { "\\" + String($0, radix: 8) }.joined()
    return "printf '\(octal)' >&0"
  }

  private static func answer(_ fields: [Int]) -> [UInt8] {
    fields.flatMap { field in (0..<8).map { UInt8(truncatingIfNeeded: field >> (8 * $0)) } }
  }

  /// Keeps the process alive, since a process that has ended is reported as such, whatever it
  /// wrote.
  private static let staying = "; exec cat > /dev/null"

  /// Commands to run instead of a decoder, and part of the resulting error message.
  static let failures = [
    ("exit 0", "ended"),
    ("kill -SEGV $$", "crashed (signal 11)"),
    ("exec sleep 60", "took longer"),
    // A billion pixels; inconsistent lengths; an unknown format; an excessive text.
    (
      answering(answer([3_000_000_000, 1, 100_000, 10_000, 3, 1, 1, 1])) + staying,
      "sent an invalid response"
    ),
    (answering(answer([7, 1, 1, 1, 3, 1, 1, 1])) + staying, "sent an invalid response"),
    (
      answering(answer([3, 1, 1, 1, 99, 1, 1, 1]) + [1, 2, 3]) + staying, "sent an invalid response"
    ),
    (answering(answer([1 << 40, 0, 0, 0, 0, 0, 0, 0])) + staying, "sent an invalid response"),
    (answering(answer([-1, -1, -1, -1, -1, -1, -1, -1])) + staying, "sent an invalid response"),
    // Less data than announced.
    (answering(answer([3, 1, 1, 1, 3, 1, 1, 1]) + [1, 2]), "ended"),
    (answering([1, 2, 3]), "ended"),
    // Details where a picture was asked for; too long; malformed.
    (answering(answer([0, 2, 0, 0, 0, 0, 0, 0])) + staying, "sent an invalid response"),
    (answering(answer([1 << 17, 2, 0, 0, 0, 0, 0, 0])) + staying, "sent an invalid response"),
    (answering(answer([1, 2, 0, 0, 0, 0, 0, 0]) + [9]) + staying, "sent an invalid response"),
  ]

  @Test(
    "a decoder that ends, crashes, hangs or responds invalidly is an error of one picture",
    arguments: failures)
  func failure(script: String, words: String) throws {
    // Short only if it must expire: the others respond, however slow the machine is.
    let decoder = IsolatedDecoder(
      command: ["/bin/sh", "-c", script],
      timeLimit: words == "took longer" ? .milliseconds(300) : .seconds(600))
    // The next picture gets a new process.
    for _ in 0..<2 {
      let error = #expect(throws: ImageError.self) {
        try decoder.decode(Self.tiff, forSide: nil)
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains("TIFF") == true)
    }
  }

  @Test("a decoder's response is the picture; its errors are passed on") func answers() throws {
    let pixel = Self.answer([3, 1, 1, 1, 3, 5, 6, 8]) + [7, 8, 9]
    let text = Array("the TIFF file is truncated".utf8)
    let refusal = Self.answer([text.count, 0, 0, 0, 0, 0, 0, 0]) + text
    let decoder = IsolatedDecoder(
      command: ["/bin/sh", "-c", "\(Self.answering(pixel)); \(Self.answering(refusal)); cat >&0"])
    let (picture, properties) = try decoder.decode(Self.tiff, forSide: nil)
    #expect(picture == Picture(width: 1, height: 1, pixels: [7, 8, 9]))
    #expect(properties == ImageProperties(format: .tiff, width: 5, height: 6, orientation: 8))
    // The same process is used again.
    #expect(throws: ImageError.refused("the TIFF file is truncated")) {
      try decoder.decode(Self.tiff, forSide: nil)
    }
  }

  @Test("JPEG and PNG need no process; failure to start one is not an error of the picture")
  func trusted() throws {
    let decoder = IsolatedDecoder(command: ["/no/such/program"])
    for name in ["rgb444.jpg", "rgb.png"] {
      let bytes = Fixtures.bytes(of: name)
      #expect(
        try decoder.decode(bytes, forSide: nil).picture
          == ImageDecoder().decode(bytes, forSide: nil).picture)
    }
    #expect(throws: DecodingProcessError.self) { try decoder.decode(Self.tiff, forSide: nil) }
  }

  @Test("details are read in the process, and a file that ends it says nothing of itself")
  func details() throws {
    let xmp = PictureMetadata.xmp(title: "x")
    let file = PictureMetadata.jpeg(Fixtures.bytes(of: "rgb444.jpg"), xmp: xmp)
    let body = PictureDetails(title: "from the process").encoded
    let answer = Self.answer([body.count, 2, 0, 0, 0, 0, 0, 0]) + body
    let decoder = IsolatedDecoder(
      command: ["/bin/sh", "-c", "\(Self.answering(answer)); cat > /dev/null"])
    #expect(try decoder.details(of: file) == PictureDetails(title: "from the process"))
    for (script, _) in Self.failures where script != "exec sleep 60" {
      let decoder = IsolatedDecoder(command: ["/bin/sh", "-c", script])
      #expect(try decoder.details(of: file).isEmpty)
    }
    // A file without metadata needs no process.
    let nowhere = IsolatedDecoder(command: ["/no/such/program"])
    #expect(try nowhere.details(of: Fixtures.bytes(of: "rgb444.jpg")).isEmpty)
    #expect(throws: DecodingProcessError.self) { try nowhere.details(of: file) }
  }
}
