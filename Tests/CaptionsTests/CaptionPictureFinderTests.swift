import Files
import TestSupport
import Testing

@testable import Captions

@Suite("Pictures that a captions file names otherwise than the file system")
struct CaptionPictureFinderTests {
  /// The pictures that are found for names, none of which is exact.
  private func found(_ names: [[String]], among pictures: [String]) -> [String?] {
    let records = names.map { CaptionRecord(names: $0, captions: ["A"]) }
    var finder = CaptionPictureFinder(
      CaptionPathResolver(root: Array("/root".utf8), file: "/root/captions.json"),
      records: records, pictures: { pictures.map { Array($0.utf8) } })
    return records.map { finder.path(of: $0).map { String(decoding: $0, as: UTF8.self) } }
  }

  @Test("are found in the other normal form, where that is one picture") func normalForms() {
    let (composed, decomposed) = ("caf\u{E9}.png", "cafe\u{301}.png")
    // Strings are compared by their scalars: as such they are equal.
    func scalars(_ text: String?) -> [UInt32]? { text?.unicodeScalars.map(\.value) }
    for (name, picture) in [(composed, decomposed), (decomposed, composed)] {
      #expect(scalars(found([[name]], among: [picture])[0]) == scalars(picture))
      #expect(
        scalars(found([["x/\(name)"]], among: ["x/\(picture)"])[0]) == scalars("x/\(picture)"))
    }
    #expect(
      found([["./x/../\(composed)"]], among: [decomposed, "x/\(decomposed)"]) == [decomposed])
    #expect(found([["\u{212B}.png"]], among: ["\u{C5}.png", "A\u{30A}.png"]) == [nil])
  }

  @Test("are found by their last name, where that is one picture") func lastNames() {
    let pictures = ["b/1.png", "b/2.png", "c/2.png", "caf\u{E9}.png"]
    #expect(found([["train2014/1.png"]], among: pictures) == ["b/1.png"])
    #expect(found([["/data/train2014/1.png"]], among: pictures) == ["b/1.png"])
    #expect(found([["C:\\data\\1.png"]], among: pictures) == ["b/1.png"])
    #expect(found([["b\\2.png"]], among: pictures) == ["b/2.png"])
    #expect(
      found([["1"], ["1.PNG"], ["1.png/"], [""]], among: pictures) == [nil, nil, "b/1.png", nil])
    #expect(found([["2.png"], ["a/2.png"]], among: pictures) == [nil, nil])
    #expect(found([["photos/cafe\u{301}.png"]], among: pictures) == ["caf\u{E9}.png"])
    #expect(found([["x/9.png", "1.png"]], among: pictures) == ["b/1.png"])
  }

  @Test("are not found by a last name that the captions file gives to two pictures") func twoNames()
  {
    #expect(found([["a/1.png"], ["d/1.png"]], among: ["b/1.png"]) == [nil, nil])
    // Captions of one picture are in several records.
    #expect(found([["a/1.png"], ["./a//1.png"]], among: ["b/1.png"]) == ["b/1.png", "b/1.png"])
    // One of the two is there itself.
    let exact = found([["b/1.png"], ["d/1.png"]], among: ["b/1.png"])
    #expect(exact == ["b/1.png", nil])
  }

  @Test("are trained on and measured, with a warning") func sets() throws {
    let folder = TemporaryFolder()
    folder.write("photos/deep/1.png", [])
    folder.write("photos/cafe\u{301}.png", [])
    folder.write("photos/.hidden/2.png", [])
    let file = folder.write(
      "captions.csv", "image,caption\nval/1.png,one\ncaf\u{E9}.png,two\n1.png,\n".utf8)
    let pictures = try CaptionedPictures([(captions: file, images: folder.path + "/photos")])
    // The third row has no caption and stands for the picture of another name; see above.
    #expect(pictures.found.map(\.captions) == [["two"]])
    #expect(pictures.warnings.count == 1)
    let plain = folder.write("plain.csv", "image,caption\nval/1.png,one\ncaf\u{E9}.png,two\n".utf8)
    let trained = try CaptionedPictures([(captions: plain, images: folder.path + "/photos")])
    #expect(trained.found.map(\.captions) == [["one"], ["two"]])
    #expect(trained.missing == 0)
    #expect(trained.warnings.first?.contains("such as val/1.png for deep/1.png") == true)
    let set = try CaptionedSet(captions: plain, images: folder.path + "/photos", split: nil)
    #expect(set.pictures.map(\.captions) == [["one"], ["two"]])
    #expect(set.pictures[0].path == Array("deep/1.png".utf8))
    #expect(set.warnings == trained.warnings)
    let hidden = folder.write("hidden.csv", "image,caption\n2.png,two\n".utf8)
    #expect(throws: CaptionError.self) {
      try CaptionedSet(captions: hidden, images: folder.path + "/photos", split: nil)
    }
  }
}
