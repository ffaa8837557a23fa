import TestSupport
import Testing

@Suite("Files that are not read as pictures")
struct LeftOutTests {
  @Test("Pictures by other names are found; what is left out is counted by kind and listed")
  func leftOut() throws {
    let collection = Collection(pictures: 0)
    for (number, name) in ["a.jfif", "b.JPE", "c.mpo", "d.jpg_large", "e"].enumerated() {
      collection.add(name, Drawing.jpeg(number))
    }
    for name in ["f.mov", "g.MP4", "h.pdf", "i.ini"] { collection.add(name, [1, 2, 3]) }
    let outcome = collection.update()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try collection.info().pictures == 5)
    #expect(outcome.output.contains("2 videos, 1 PDF, 1 other file (blip info --left-out)"))
    let list = blip("info", "--index", collection.index, "--left-out")
    #expect(
      list.output.hasSuffix(
        """

        left out: 2 videos, 1 PDF, 1 other file
          f.mov: video
          g.MP4: video
          h.pdf: pdf
          i.ini: other

        """))
    struct Listing: Decodable {
      struct File: Decodable { let path, kind: String }
      let left_out: [File]?
    }
    let json = try blip("info", "--index", collection.index, "--left-out", "--json")
      .objects(Listing.self)
    #expect(json.first?.left_out?.map(\.kind) == ["video", "video", "pdf", "other"])
    let plain = try blip("info", "--index", collection.index, "--json").objects(Listing.self)
    #expect(plain.first?.left_out == nil)
  }
}
