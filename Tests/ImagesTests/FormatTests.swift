import TestSupport
import Testing

@testable import Images

@Suite("JPEG XL, JPEG 2000, RAW files of cameras")
struct FormatTests {
  private static let photo = Fixtures.picture("rgb.png").expected

  /// The photograph over white, more and more opaque from left to right.
  private static let faded: Picture = {
    var picture = photo
    for y in 0..<picture.height {
      for x in 0..<picture.width {
        let alpha = x * 255 / (picture.width - 1)
        for i in (y * picture.width + x) * 3..<(y * picture.width + x) * 3 + 3 {
          let value = Int(picture.pixels[i])
          picture.pixels[i] = UInt8((value * alpha + 255 * (255 - alpha) + 127) / 255)
        }
      }
    }
    return picture
  }()

  private func decode(_ name: String) throws -> (picture: Picture, properties: ImageProperties) {
    try ImageDecoder().decode(Fixtures.formatBytes(of: name), forSide: nil)
  }

  @Test(
    "files without loss are the original picture",
    arguments: [
      ("rgb.jxl", ImageFormat.jpegXL), ("rgb.jp2", .jpeg2000), ("rgb.j2k", .jpeg2000),
    ])
  func lossless(name: String, format: ImageFormat) throws {
    let (picture, properties) = try decode(name)
    #expect(properties.format == format && picture == Self.photo)
  }

  @Test("grey and transparency")
  func channels() throws {
    let grey = try decode("grey.jp2").picture
    #expect(difference(grey, Fixtures.picture("grey.png").expected).largest <= 1)
    for name in ["rgba.jxl", "rgba.jp2"] {
      #expect(difference(try decode(name).picture, Self.faded).largest <= 2)
    }
  }

  @Test(
    "a RAW file is its camera's preview or, where that is too small, the sensor's data; upright",
    arguments: [
      ("camera-preview.dng", 96, 72, 6.0), ("camera-sensor.dng", 48, 36, 16),
      ("camera-thumbnail.dng", 48, 36, 16),
    ])
  func raw(name: String, width: Int, height: Int, mean: Double) throws {
    let (picture, properties) = try decode(name)
    #expect(properties.format == .raw && properties.orientation == 6)
    #expect([picture.width, picture.height] == [width, height])
    let expected = Self.photo.resized(width: width, height: height)
    #expect(difference(picture, expected).mean <= mean)
  }

  @Test("a DNG that is an ordinary TIFF is read as one")
  func plainDNG() throws {
    let bytes = TIFFBuilder.file([.init(width: 4, height: 3, value: 77)], dngVersion: true)
    let (picture, properties) = try ImageDecoder().decode(bytes, forSide: nil)
    #expect(properties.format == .raw)
    #expect(picture == Picture(width: 4, height: 3, pixels: Array(repeating: 77, count: 36)))
  }

  @Test("a file truncated at any length gives an error or a picture", arguments: Fixtures.formats)
  func truncated(name: String) {
    let bytes = Fixtures.formatBytes(of: name)
    for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 23)) {
      check(Array(bytes.prefix(length)))
    }
  }

  @Test("damaged bytes give an error or a picture", arguments: Fixtures.formats)
  func damaged(name: String) {
    let bytes = Fixtures.formatBytes(of: name)
    var mutator = Mutator(seed: UInt64(bytes.count), focus: .head(300))
    for _ in 0..<25 { check(mutator.mutated(bytes)) }
  }

  private func check(_ bytes: [UInt8]) {
    var careful = ImageDecoder()
    careful.maximumPixels = 1_000_000
    do throws(ImageError) {
      let (picture, properties) = try careful.decode(bytes, forSide: 8)
      #expect(picture.pixels.count == picture.width * picture.height * 3)
      #expect(properties.width * properties.height <= 1_000_000)
    } catch {
      #expect(!error.description.isEmpty)
    }
  }

  @Test("limits apply before anything is decoded", arguments: Fixtures.formats)
  func limits(name: String) {
    var few = ImageDecoder()
    few.maximumPixels = 36 * 48 - 1
    #expect {
      try few.decode(Fixtures.formatBytes(of: name), forSide: nil)
    } throws: {
      guard case .tooLarge(_, _, 36 * 48 - 1) = $0 as? ImageError else { return false }
      return true
    }
  }
}
