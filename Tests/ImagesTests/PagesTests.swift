import Images
import Testing

@Suite("Files of several pictures")
struct PagesTests {
  typealias Page = TIFFBuilder.Page

  private func chosen(_ bytes: [UInt8]) throws -> UInt8 {
    try ImageDecoder().decode(bytes, forSide: nil).picture.pixels[0]
  }

  @Test("of a TIFF file, the first page that is no thumbnail is read")
  func pages() throws {
    let thumbnail = Page(width: 8, height: 8, value: 1, kind: 1)
    let large = Page(width: 48, height: 48, value: 2, kind: 0)
    #expect(try chosen(TIFFBuilder.file([thumbnail, large])) == 2)
    #expect(try chosen(TIFFBuilder.file([large, thumbnail])) == 2)
    let old = Page(width: 8, height: 8, value: 3, oldKind: 2)
    #expect(try chosen(TIFFBuilder.file([old, large])) == 2)
    let mask = Page(width: 48, height: 48, value: 4, kind: 4)
    #expect(try chosen(TIFFBuilder.file([mask, large])) == 2)
    // Not marked, but small.
    let small = Page(width: 12, height: 12, value: 5)
    #expect(try chosen(TIFFBuilder.file([small, large])) == 2)
    // The only one.
    #expect(try chosen(TIFFBuilder.file([thumbnail])) == 1)
  }

  @Test("of a document, the first page, though a later one is a little larger")
  func document() throws {
    let pages = (0..<5).map { Page(width: 40, height: 50 + $0, value: UInt8(10 + $0)) }
    #expect(try chosen(TIFFBuilder.file(pages)) == 10)
  }

  @Test("later pages that are lacking are of no concern; a lost picture is")
  func truncated() throws {
    let large = Page(width: 48, height: 48, value: 2, kind: 0)
    let thumbnail = Page(width: 8, height: 8, value: 1, kind: 1)
    let whole = TIFFBuilder.file([large, thumbnail])
    #expect(try chosen(Array(whole.dropLast(100))) == 2)
    let lost = TIFFBuilder.file([thumbnail, large])
    #expect(throws: ImageError.truncated(.tiff)) { try chosen(Array(lost.prefix(250))) }
  }

  @Test("pages that lead back to the first have an end")
  func ring() throws {
    var bytes = TIFFBuilder.file([Page(width: 4, height: 4, value: 6)])
    let entries = Int(bytes[8])
    bytes.replaceSubrange(10 + 12 * entries..<14 + 12 * entries, with: littleEndian(8, 4))
    #expect(try chosen(bytes) == 6)
  }

  @Test("of an MPO file, the first picture")
  func stereo() throws {
    let (left, right) = (Fixtures.bytes(of: "rgb444.jpg"), Fixtures.bytes(of: "grey.jpg"))
    let picture = try ImageDecoder().decode(left + right, forSide: nil).picture
    #expect(picture == Fixtures.picture("rgb444.jpg").expected)
  }
}
