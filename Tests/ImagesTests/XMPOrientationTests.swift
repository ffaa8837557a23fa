import Testing

@testable import Images

@Suite("Orientation in XMP")
struct XMPOrientationTests {
  private func packet(_ orientation: String) -> [UInt8] {
    Array("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description ".utf8)
      + Array(orientation.utf8) + Array("</x:xmpmeta>".utf8)
  }

  private func orientation(_ bytes: [UInt8]) throws -> Int {
    try ImageDecoder().probe(bytes).orientation
  }

  @Test(
    "of a JPEG, as an attribute or an element",
    arguments: [
      ("tiff:Orientation=\"6\"/>", 6), ("tiff:Orientation='8'/>", 8),
      ("><tiff:Orientation>3</tiff:Orientation>", 3), ("tiff:Orientation = \"5\"", 5),
      ("tiff:Orientation=\"9\"/>", 1), ("tiff:Orientation=\"16\"/>", 1),
      ("tiff:Orientation=\"", 1), ("tiff:OrientationX=\"6\"", 1), ("", 1),
    ])
  func jpeg(text: String, expected: Int) throws {
    let plain = Fixtures.bytes(of: "rgb444.jpg")
    let bytes = inserting(marker: 0xE1, packet(text), intoJPEG: plain)
    #expect(try orientation(bytes) == expected)
    #expect(
      try ImageDecoder().decode(bytes, forSide: nil).picture
        == Fixtures.picture("rgb444.jpg").expected.upright(from: expected))
  }

  @Test("yields to that of EXIF")
  func exif() throws {
    let bytes = inserting(
      marker: 0xE1, packet("tiff:Orientation=\"3\"/>"),
      intoJPEG: Fixtures.bytes(of: "orientation6.jpg"))
    #expect(try orientation(bytes) == 6)
  }

  @Test("of PNG and WebP")
  func others() throws {
    let text = Array("<x tiff:Orientation=\"6\"/>".utf8)
    let chunk = Array("iTXtXML:com.adobe.xmp\0\0\0\0\0".utf8) + text
    var png = Fixtures.bytes(of: "rgb.png")
    png.insert(
      contentsOf: bigEndian(chunk.count - 4, 4) + chunk + bigEndian(Int(crc32(chunk)), 4), at: 33)
    #expect(try orientation(png) == 6)
    var webp = Fixtures.bytes(of: "lossless-alpha.webp")
    webp +=
      Array("XMP ".utf8) + littleEndian(text.count, 4) + text + (text.count % 2 == 1 ? [0] : [])
    webp.replaceSubrange(4..<8, with: littleEndian(webp.count - 8, 4))
    #expect(try orientation(webp) == 6)
  }
}
