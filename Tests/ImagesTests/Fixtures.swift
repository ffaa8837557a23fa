import Foundation
import Images
import Testing

/// The fixtures of Benchmarks/fixtures/make_image_fixtures.py: pictures of every kind, and the
/// pixels that Pillow reads from them.
struct Fixtures: Decodable {
  struct PictureFixture: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    /// The upright size.
    let width, height: Int
    let stored: [Int]
    let orientation: Int
    /// The size to which Pillow resized the picture.
    let resized: [Int]
    /// The offset of the upright pixels in expected.rgb; the resized ones follow.
    let offset: Int
    /// The allowed differences: zero unless Pillow uses a different decoder.
    let largest: Int
    let mean: Double

    var testDescription: String { file }
    var bytes: [UInt8] { Fixtures.bytes(of: file) }

    var expected: Picture {
      let count = width * height * 3
      return Picture(
        width: width, height: height,
        pixels: Array(Fixtures.expectedPixels[offset..<offset + count]))
    }

    var expectedResized: Picture {
      let start = offset + width * height * 3
      let count = resized[0] * resized[1] * 3
      return Picture(
        width: resized[0], height: resized[1],
        pixels: Array(Fixtures.expectedPixels[start..<start + count]))
    }
  }

  struct ResizeFixture: Decodable, Sendable, CustomTestStringConvertible {
    let width, height, newWidth, newHeight: Int
    let crc32: UInt32

    var testDescription: String { "\(width)×\(height) to \(newWidth)×\(newHeight)" }
  }

  struct ReductionFixture: Decodable, Sendable, CustomTestStringConvertible {
    let file: String
    let side, width, height: Int
    let crc32: UInt32

    var testDescription: String { "\(file) for side \(side)" }
  }

  let pictures: [PictureFixture]
  let resizes: [ResizeFixture]
  let reductions: [ReductionFixture]

  static let all = try! JSONDecoder().decode(Fixtures.self, from: Data(bytes(of: "expected.json")))
  private static let expectedPixels = bytes(of: "expected.rgb")

  static func bytes(of file: String) -> [UInt8] { read("Fixtures/\(file)") }

  /// A file of Benchmarks/fixtures/make_format_fixtures.py.
  static func formatBytes(of file: String) -> [UInt8] { read("FormatFixtures/\(file)") }

  static let formats = try! FileManager.default.contentsOfDirectory(
    atPath: Bundle.module.bundleURL.appendingPathComponent("FormatFixtures").path
  ).sorted()

  private static func read(_ path: String) -> [UInt8] {
    try! [UInt8](Data(contentsOf: Bundle.module.bundleURL.appendingPathComponent(path)))
  }

  static func picture(_ file: String) -> PictureFixture {
    all.pictures.first { $0.file == file }!
  }
}

/// The largest and the mean difference of two pictures of the same size.
func difference(_ a: Picture, _ b: Picture) -> (largest: Int, mean: Double) {
  let differences = zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }
  return (differences.max()!, Double(differences.reduce(0, +)) / Double(differences.count))
}

/// The checksum of zlib and PNG.
func crc32(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~0) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
    }
  }
}
