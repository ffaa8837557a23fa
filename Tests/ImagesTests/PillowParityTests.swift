import Images
import Testing

@Suite("Pictures equal Pillow's")
struct PillowParityTests {
  @Test("decoded, upright, over white", arguments: Fixtures.all.pictures)
  func decoded(_ fixture: Fixtures.PictureFixture) throws {
    let (picture, properties) = try ImageDecoder().decode(fixture.bytes, forSide: nil)
    #expect([properties.width, properties.height] == fixture.stored)
    #expect(properties.orientation == fixture.orientation)
    #expect(picture.width == fixture.width && picture.height == fixture.height)
    let (largest, mean) = difference(picture, fixture.expected)
    #expect(largest <= fixture.largest)
    #expect(mean <= fixture.mean)
  }

  @Test("decoded and resized", arguments: Fixtures.all.pictures)
  func resized(_ fixture: Fixtures.PictureFixture) throws {
    let (picture, _) = try ImageDecoder().decode(fixture.bytes, forSide: nil)
    let resized = picture.resized(width: fixture.resized[0], height: fixture.resized[1])
    let (largest, mean) = difference(resized, fixture.expectedResized)
    #expect(largest <= fixture.largest)
    #expect(mean <= fixture.mean)
  }

  @Test(
    "a large JPEG is reduced to no less than three times the side",
    arguments: Fixtures.all.reductions
  )
  func reduced(_ fixture: Fixtures.ReductionFixture) throws {
    let bytes = Fixtures.bytes(of: fixture.file)
    let (picture, properties) = try ImageDecoder().decode(bytes, forSide: fixture.side)
    #expect([properties.width, properties.height] == [192, 144])
    #expect([picture.width, picture.height] == [fixture.width, fixture.height])
    #expect(crc32(picture.pixels) == fixture.crc32)
  }

  @Test("a JPEG of an odd size is not reduced")
  func oddSize() throws {
    let picture = try ImageDecoder().decode(Fixtures.bytes(of: "rgb420.jpg"), forSide: 2).picture
    #expect([picture.width, picture.height] == [67, 45])
  }

  @Test(
    "the format is detected from the contents, not the file name",
    arguments: [
      ("rgb420.jpg", ImageFormat.jpeg), ("rgba16.png", .png), ("animated.webp", .webp),
      ("grey16-big-endian.tif", .tiff), ("big.tif", .tiff), ("animated.gif", .gif),
      ("rgb420.heic", .heif), ("rgb420.avif", .avif),
    ])
  func format(file: String, format: ImageFormat) {
    #expect(ImageFormat(magicOf: Fixtures.bytes(of: file)) == format)
  }
}
