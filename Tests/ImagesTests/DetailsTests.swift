import TestSupport
import Testing

@testable import Images

@Suite(
  "What a picture file says of itself",
  .enabled(if: MetadataReader.isAvailable, "libgexiv2 is not installed"))
struct DetailsTests {
  private static let jpeg = Fixtures.bytes(of: "rgb444.jpg")
  private static let png = Fixtures.bytes(of: "rgb.png")
  private static let exif = PictureMetadata.exif(
    make: "NIKON CORPORATION", model: "NIKON D70", description: Array("a pier".utf8),
    taken: "2021:07:14 09:30:05", latitude: -6.165, longitude: 39.2026)
  private static let xmp = PictureMetadata.xmp(
    title: "Harbour", description: "Boats at noon", keywords: ["boat", "Zanzíbar", "boat"],
    places: ["Stone Town", "Zanzibar West", "Tanzania"])

  @Test("is read from EXIF: camera, time, description and place")
  func exif() {
    let details = ImageDecoder().details(of: PictureMetadata.jpeg(Self.jpeg, exif: Self.exif))
    #expect(details.camera == "NIKON D70")
    #expect(details.takenText == "2021-07-14 09:30:05")
    #expect(details.description == "a pier")
    #expect(details.title == nil && details.keywords.isEmpty)
    #expect(abs((details.coordinates?.latitude ?? 0) + 6.165) < 1e-5)
    #expect(abs((details.coordinates?.longitude ?? 0) - 39.2026) < 1e-5)
  }

  @Test("is read from XMP, whose description is a person's")
  func xmp() {
    let file = PictureMetadata.jpeg(Self.jpeg, exif: Self.exif, xmp: Self.xmp)
    let details = ImageDecoder().details(of: file)
    #expect(details.title == "Harbour" && details.description == "Boats at noon")
    #expect(details.keywords == ["boat", "Zanzíbar"])
    #expect(details.places == ["Stone Town", "Zanzibar West", "Tanzania"])
    #expect(details.camera == "NIKON D70")
  }

  @Test("is read from IPTC, also where it is Latin-1")
  func iptc() {
    let block = PictureMetadata.iptc([
      (5, Array("Caf\u{E9}".unicodeScalars.map { UInt8($0.value) })), (25, Array("one".utf8)),
      (25, Array("two".utf8)), (55, Array("20190203".utf8)), (90, Array("Lisbon".utf8)),
      (101, Array("Portugal".utf8)), (120, Array("line\r\nline\u{1B}[31m".utf8)),
    ])
    let details = ImageDecoder().details(of: PictureMetadata.jpeg(Self.jpeg, iptc: block))
    #expect(details.title == "Café" && details.keywords == ["one", "two"])
    #expect(details.description == "line line [31m")
    #expect(details.places == ["Lisbon", "Portugal"] && details.takenText == "2019-02-03 00:00:00")
  }

  @Test("is read from PNG") func png() {
    let details = ImageDecoder().details(
      of: PictureMetadata.png(Self.png, exif: Self.exif, xmp: Self.xmp))
    #expect(details.title == "Harbour" && details.camera == "NIKON D70")
  }

  /// Two pictures of 64×48 that libheif 1.15 wrote, with EXIF and XMP of a telephone's.
  @Test("is read from HEIC and AVIF", arguments: ["described.heic", "described.avif"])
  func items(name: String) {
    let bytes = Fixtures.formatBytes(of: name)
    let details = ImageDecoder().details(of: bytes)
    #expect(details.camera == "Apple iPhone 12 Pro" && details.title == "Harbour")
    #expect(details.takenText == "2021-07-14 09:30:05" && details.keywords == ["boat"])
    #expect(details.places == ["Stone Town"])
    #expect(abs((details.coordinates?.latitude ?? 0) + 6.165) < 1e-4)
    #expect(abs((details.coordinates?.longitude ?? 0) - 39.2026) < 1e-4)
    // Damage takes details away and does no more.
    for length in 0..<bytes.count { _ = BoxMetadata(itemsOf: Array(bytes.prefix(length))) }
    var mutator = Mutator(seed: 1, focus: .head(600))
    for _ in 0..<5_000 { _ = BoxMetadata(itemsOf: mutator.mutated(bytes)) }
  }

  @Test("is read from JPEG XL in boxes")
  func boxes() {
    func box(_ type: String, _ body: [UInt8]) -> [UInt8] {
      withUnsafeBytes(of: UInt32(8 + body.count).bigEndian) { Array($0) } + Array(type.utf8) + body
    }
    let file =
      box("JXL ", [0x0D, 0x0A, 0x87, 0x0A]) + box("ftyp", Array("jxl \0\0\0\0jxl ".utf8))
      + box("Exif", [0, 0, 0, 0] + Self.exif) + box("xml ", Self.xmp)
    let details = ImageDecoder().details(of: file)
    #expect(details.camera == "NIKON D70" && details.title == "Harbour")
  }

  @Test("is nothing where the file says nothing, or holds nonsense, or is no picture")
  func nothing() {
    #expect(ImageDecoder().details(of: Self.jpeg).isEmpty)
    #expect(ImageDecoder().details(of: []).isEmpty)
    for name in ["rgb-raw.tif", "lossy.webp", "palette.gif", "rgb420.heic"] {
      #expect(ImageDecoder().details(of: Fixtures.bytes(of: name)).title == nil)
    }
    let noise = PictureMetadata.jpeg(
      Self.jpeg, exif: Array(repeating: 0xA5, count: 900), xmp: Array("<x:xmpmeta <<".utf8))
    #expect(ImageDecoder().details(of: noise).isEmpty)
  }

  @Test("what cameras write for no words is no description")
  func phrases() {
    let exif = PictureMetadata.exif(description: Array("OLYMPUS DIGITAL CAMERA         ".utf8))
    #expect(ImageDecoder().details(of: PictureMetadata.jpeg(Self.jpeg, exif: exif)).isEmpty)
  }

  @Test("texts are bounded, and nothing in them steers a terminal")
  func cleaning() {
    let details = PictureDetails(
      title: " a\u{0}b\u{202E}c\n\td \u{9B}31m", description: String(repeating: "x", count: 9999),
      keywords: (0..<999).map { "k\($0)" } + ["", "  "], taken: .max, places: ["p", "p"])
    #expect(details.title == "a bc d 31m")
    #expect(details.description?.count == PictureDetails.Limit.description)
    #expect(details.keywords.count == PictureDetails.Limit.keywords)
    #expect(details.taken == nil && details.places == ["p"])
    #expect(details.encoded.count <= PictureDetails.maximumBytes)
    #expect(PictureDetails.Coordinates(latitude: 91, longitude: 0) == nil)
    #expect(PictureDetails.Coordinates(latitude: .nan, longitude: 0) == nil)
    #expect(PictureDetails.Coordinates(latitude: 0, longitude: 0) == nil)
  }

  @Test("the longest details fit into their limit of bytes")
  func longest() {
    let wide = String(repeating: "𝔸", count: 3000)
    let details = PictureDetails(
      title: wide, description: wide, keywords: (0..<99).map { "\($0)" + wide }, taken: 0,
      camera: wide, places: (0..<9).map { "\($0)" + wide },
      coordinates: .init(latitude: 1, longitude: 2))
    #expect(details.encoded.count <= PictureDetails.maximumBytes)
    #expect(PictureDetails(encoded: details.encoded) == details)
  }

  @Test("bytes that are no details are refused, at every cut and every changed byte")
  func damage() {
    let details = PictureDetails(
      title: "t", description: "d", keywords: ["a", "b"], taken: 1, camera: "c", places: ["p"],
      coordinates: .init(latitude: 12.5, longitude: -7.25))
    let bytes = details.encoded
    #expect(PictureDetails(encoded: bytes) == details)
    for length in 1..<bytes.count {
      let cut = PictureDetails(encoded: Array(bytes.prefix(length)))
      #expect(cut == nil || cut!.encoded == Array(bytes.prefix(length)))
    }
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 0x90
      let read = PictureDetails(encoded: changed)
      #expect(read == nil || read!.encoded == changed)
    }
    #expect(PictureDetails(encoded: bytes + bytes) == nil)
    #expect(PictureDetails(encoded: [1, 3, 0, 0xFF, 0xFE, 0xFD]) == nil)
  }

  @Test(
    "times are those of the camera's clock, whatever the zone",
    arguments: [
      ("2021:07:14 09:30:05", "2021-07-14 09:30:05"), ("2000-02-29T23:59", "2000-02-29 23:59:00"),
      ("2021-07-14T09:30:05.25+02:00", "2021-07-14 09:30:05"),
      ("1969:12:31 23:59:59", "1969-12-31 23:59:59"),
      ("2021-07-14", "2021-07-14 00:00:00"), ("0000:00:00 00:00:00", nil),
      ("2021:02:29 00:00:00", nil), ("2021:13:01 00:00:00", nil), ("    :  :     :  :  ", nil),
      ("2021:07:14 25:00:00", nil), ("yesterday", nil), ("", nil),
    ] as [(String, String?)])
  func times(written: String, read: String?) {
    #expect(CameraTime.seconds(written).map(CameraTime.text) == read)
  }
}
