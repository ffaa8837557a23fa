import Images
import TestSupport
import Testing

@Suite("Hostile and damaged files")
struct HostileFileTests {
  let decoder = ImageDecoder()

  private func error(_ bytes: [UInt8], _ decoder: ImageDecoder = ImageDecoder()) -> ImageError? {
    do throws(ImageError) {
      _ = try decoder.decode(bytes, forSide: nil)
      return nil
    } catch {
      return error
    }
  }

  @Test("an empty file, text and fragments of magic bytes are not pictures")
  func notPictures() {
    #expect(error([]) == .notAPicture)
    #expect(error(Array("A text named picture.jpg, long enough to be one.\n".utf8)) == .notAPicture)
    #expect(error([0xFF, 0xD8]) == .notAPicture)
    #expect(error(Array("RIFF....WAVEfmt ".utf8)) == .notAPicture)
    #expect(error([0, 0, 0, 24] + Array("ftypisomisomiso2mp41".utf8)) == .notAPicture)
  }

  @Test("a 60,000 × 60,000 PNG is rejected after reading only its header")
  func hugeHeader() {
    let header: [UInt8] =
      [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8)
      + [0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60, 8, 2, 0, 0, 0, 0, 0, 0, 0]
    #expect(error(header) == .tooLarge(width: 60000, height: 60000, limit: 200_000_000))
    var largest = header
    largest.replaceSubrange(16..<24, with: Array(repeating: 0xFF, count: 8))
    #expect(
      error(largest)
        == .tooLarge(width: 4_294_967_295, height: 4_294_967_295, limit: 200_000_000))
  }

  @Test("limits apply to every format", arguments: Fixtures.all.pictures)
  func limits(_ fixture: Fixtures.PictureFixture) {
    var few = ImageDecoder()
    few.maximumPixels = 67 * 45 - 1
    guard case .tooLarge(_, _, 67 * 45 - 1) = error(fixture.bytes, few) else {
      Issue.record("decoded beyond the pixel limit")
      return
    }
    var short = ImageDecoder()
    short.maximumBytes = fixture.bytes.count - 1
    #expect(
      error(fixture.bytes, short)
        == .tooManyBytes(fixture.bytes.count, limit: fixture.bytes.count - 1))
  }

  @Test(
    "a file truncated at any length gives an error or the complete picture",
    arguments: Fixtures.all.pictures
  )
  func truncated(_ fixture: Fixtures.PictureFixture) {
    let bytes = fixture.bytes
    for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 61)) {
      let cut = Array(bytes.prefix(length))
      guard let picture = try? decoder.decode(cut, forSide: nil).picture else { continue }
      if fixture.file == "progressive.jpg" { continue }  // Lacks refinements; see below.
      // Only an end marker, later frames or metadata are missing.
      #expect(difference(picture, fixture.expected).largest <= fixture.largest, "cut at \(length)")
    }
  }

  @Test(
    "a picture cut in the middle is reported as truncated",
    arguments: [
      "rgb420.jpg", "restarts.jpg", "cmyk.jpg", "rgb.png", "interlaced.png",
      "lossy.webp", "lossless.webp", "rgb-raw.tif", "grey16.tif", "palette.gif", "rgb420.heic",
      "rgb420.avif",
    ])
  func truncatedInTheMiddle(file: String) {
    let bytes = Fixtures.bytes(of: file)
    let format = ImageFormat(magicOf: bytes)!
    for percent in [50, 75, 90] {
      #expect(error(Array(bytes.prefix(bytes.count * percent / 100))) == .truncated(format))
    }
  }

  @Test("a JPEG that lacks only its end marker is complete")
  func missingEndMarker() throws {
    let fixture = Fixtures.picture("rgb420.jpg")
    let picture = try decoder.decode(fixture.bytes.dropLast(2), forSide: nil).picture
    #expect(picture == fixture.expected)
  }

  @Test("a progressive JPEG without its end is the entire picture, less fine")
  func cutProgressive() throws {
    let fixture = Fixtures.picture("progressive.jpg")
    let count = fixture.bytes.count
    var means: [Double] = []
    // Wherever it ends, in data or between: each scan makes it finer.
    for length in stride(from: count / 5, through: count, by: 7) {
      let cut = Array(fixture.bytes.prefix(length))
      let picture = try decoder.decode(cut, forSide: nil).picture
      means.append(difference(picture, fixture.expected).mean)
    }
    #expect(means.allSatisfy { $0 < 30 })
    #expect(means[means.count / 2] < 12 && means.last! < 0.5)
    #expect(
      try decoder.decode(fixture.bytes.dropLast(2), forSide: nil).picture == fixture.expected)
    // The first scan, which shows everything coarsely, must be there.
    #expect(error(Array(fixture.bytes.prefix(count * 3 / 20))) == .truncated(.jpeg))
  }

  @Test("damaged bytes give an error or a picture", arguments: Fixtures.all.pictures)
  func flipped(_ fixture: Fixtures.PictureFixture) {
    var mutator = Mutator(seed: UInt64(fixture.offset), focus: .head(200))
    var careful = decoder
    careful.maximumPixels = 4_000_000
    for _ in 0..<80 {
      do throws(ImageError) {
        let (picture, properties) = try careful.decode(mutator.mutated(fixture.bytes), forSide: 8)
        #expect(picture.pixels.count == picture.width * picture.height * 3)
        #expect(properties.width * properties.height <= 4_000_000)
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
  }

  @Test("a GIF frame larger than its screen determines the size")
  func frameBeyondScreen() {
    var bytes = Fixtures.bytes(of: "palette.gif")
    let descriptor = bytes.indices.first {
      bytes[$0] == 0x2C && bytes[$0 + 5] == 67 && bytes[$0 + 7] == 45
    }!
    bytes.replaceSubrange(descriptor + 5..<descriptor + 9, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(error(bytes) == .tooLarge(width: 65535, height: 65535, limit: 200_000_000))
  }

  @Test("a TIFF tile of excessive size is an error")
  func absurdTile() {
    var bytes = Fixtures.bytes(of: "tiled.tif")
    // Tags 322 and 323 (tile width and length), little-endian SHORT or LONG, one value.
    for tag in [UInt8(0x42), 0x43] {
      let at = bytes.indices.dropLast(12).first {
        bytes[$0] == tag && bytes[$0 + 1] == 1 && bytes[$0 + 3] == 0 && bytes[$0 + 4] == 1
      }!
      bytes.replaceSubrange(at + 2..<at + 12, with: [4, 0, 1, 0, 0, 0, 0, 0, 1, 0])
    }
    guard case .corrupt(.tiff, _) = error(bytes) else {
      Issue.record("decoded with tiles of 65,536 × 65,536")
      return
    }
  }

  @Test("an invalid EXIF block leaves the orientation unchanged")
  func invalidOrientation() throws {
    let fixture = Fixtures.picture("orientation6.jpg")
    var bytes = fixture.bytes
    let exif = bytes.indices.first { bytes[$0...].starts(with: "Exif".utf8) }!
    // The directory offset points far outside.
    bytes.replaceSubrange(exif + 10..<exif + 14, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(try decoder.decode(bytes, forSide: nil).properties.orientation == 1)
  }

  @Test("every error says what is wrong")
  func descriptions() {
    #expect(
      ImageError.truncated(.jpeg).description
        == "the JPEG file is truncated; copy it again from its source")
    #expect(
      ImageError.tooLarge(width: 3, height: 4, limit: 5).description
        == "3×4 pixels are more than the limit of 5; make the picture smaller")
    #expect(ImageError.notAPicture.description.hasPrefix("not a picture"))
  }
}
