import Files
import Store
import Testing

@testable import Retrieval

@Suite("Texts of a collection's pictures") struct CollectionCaptionsTests {
  private func texts(
    _ collection: Collection, captions: String? = nil, stored: [TextRecord] = []
  ) throws -> [String: [TextRecord]] {
    let scan = try CollectionScan(root: collection.root)
    let captions = try CollectionCaptions(
      file: captions, of: [(collection.root, scan.pictures)])
    var texts: [String: [TextRecord]] = [:]
    for picture in scan.pictures {
      texts[printable(picture.path)] =
        try captions.changedTexts(
          ofPictureAt: joined(collection.root, picture.path), hasSidecar: picture.hasSidecar,
          stored: stored, id: 1)
    }
    return texts
  }

  private func captions(_ texts: String...) -> [TextRecord] {
    texts.map { TextRecord(text: $0, picture: 1, source: .captions) }
  }

  private func sidecar(_ text: String) -> [TextRecord] {
    [TextRecord(text: text, picture: 1, source: .sidecar)]
  }

  @Test("paths are relative to the root or to the file's folder, or absolute") func names() throws {
    let collection = Collection()
    for name in ["a.png", "sub/b.png", "sub/c.png", "d.png"] { collection.write(name, "") }
    let file = collection.write(
      "sub/captions.jsonl",
      """
      {"image": "./a.png", "caption": "from the root"}
      {"image": "b.png", "caption": "from the file"}
      {"image": "../sub//c.png", "caption": ["one", "two"]}
      {"image": "\(printable(collection.root))/d.png", "caption": "absolute"}
      {"image": "d.png", "caption": "again"}
      {"image": "../../../etc/passwd", "caption": "outside"}
      {"image": "none.png", "caption": "nothing"}
      """)
    #expect(
      try texts(collection, captions: file) == [
        "a.png": captions("from the root"), "sub/b.png": captions("from the file"),
        "sub/c.png": captions("one", "two"), "d.png": captions("absolute", "again"),
      ])
    let read = try CollectionCaptions(
      file: file, of: [(collection.root, CollectionScan(root: collection.root).pictures)])
    #expect(read.missing == 2)
    #expect(read.example == "../../../etc/passwd")
  }

  @Test("a sidecar's first line is used if the captions file has no caption") func sidecars() throws
  {
    let collection = Collection()
    for name in ["a.png", "b.png", "c.png", "d.png", "e.png"] { collection.write(name, "") }
    collection.write("a.txt", "of the sidecar")
    collection.write("b.txt", "\u{FEFF}\r\n  A  b.\t\r\nsecond line")
    collection.write("c.txt", " \n\n")
    collection.write("d.txt", String(repeating: "ä", count: 5000))
    let file = collection.write("captions.csv", "image,caption\na.png,of the file")
    #expect(
      try texts(collection, captions: file) == [
        "a.png": captions("of the file"), "b.png": sidecar("A b."),
        "d.png": sidecar(String(repeating: "ä", count: 2048)),
      ])
  }

  @Test("a sidecar that is not text is an error that names it") func noText() throws {
    let collection = Collection()
    collection.write("a.png", "")
    collection.write("a.txt", [0x63, 0xE9, 0x0A])
    let error = #expect(throws: RetrievalError.self) { try texts(collection) }
    #expect(error?.description.hasPrefix("a.txt:") == true)
  }

  @Test("a generated caption comes after captions by people") func synthetic() throws {
    let collection = Collection()
    collection.write("a.png", "")
    collection.write("a.txt", "new")
    let made = TextRecord(text: "made", picture: 1, source: .synthetic(by: "x"))
    #expect(try texts(collection, stored: [made]) == ["a.png": sidecar("new") + [made]])
    #expect(try texts(collection, stored: sidecar("new") + [made]) == [:])
    collection.remove("a.txt")
    #expect(try texts(collection, stored: sidecar("new") + [made]) == ["a.png": [made]])
    #expect(try texts(collection, stored: [made]) == [:])
  }

  @Test("a picture is found in the other normal form, and by its last name if that is unique")
  func otherNames() throws {
    let collection = Collection()
    for name in ["cafe\u{301}.png", "x/a.png", "x/b.png", "y/b.png"] { collection.write(name, "") }
    let file = collection.write(
      "captions.jsonl",
      """
      {"image": "caf\u{E9}.png", "caption": "composed"}
      {"image": "train2014/a.png", "caption": "elsewhere"}
      {"image": "train2014/b.png", "caption": "one of two"}
      """)
    #expect(
      try texts(collection, captions: file) == [
        "cafe\u{301}.png": captions("composed"), "x/a.png": captions("elsewhere"),
      ])
    let read = try CollectionCaptions(
      file: file, of: [(collection.root, CollectionScan(root: collection.root).pictures)])
    #expect(read.missing == 1)
    #expect(read.warnings.count == 1)
    #expect(read.warnings.first?.contains("such as train2014/a.png for x/a.png") == true)
  }

  @Test("a caption that cannot be used is told of, and the sidecar stands in for it")
  func unusable() throws {
    let collection = Collection()
    for name in ["a.png", "b.png"] { collection.write(name, "") }
    collection.write("b.txt", "of the sidecar")
    let file = collection.write(
      "captions.json",
      #"[{"image": "a.png", "caption": "A"}, {"image": "b.png", "caption": null}]"#)
    #expect(
      try texts(collection, captions: file) == [
        "a.png": captions("A"), "b.png": sidecar("of the sidecar"),
      ])
    let read = try CollectionCaptions(
      file: file, of: [(collection.root, CollectionScan(root: collection.root).pictures)])
    #expect(read.warnings.count == 1)
    #expect(read.warnings.first?.contains("record 2 (line 1): \"caption\" is null") == true)
  }

  @Test("only what differs from the index is a change") func changes() throws {
    let collection = Collection()
    collection.write("a.png", "")
    collection.write("a.txt", "A bird.")
    #expect(try texts(collection, stored: sidecar("A bird.")) == [:])
    #expect(try texts(collection, stored: sidecar("A cat.")) == ["a.png": sidecar("A bird.")])
    collection.remove("a.txt")
    #expect(try texts(collection, stored: sidecar("A cat.")) == ["a.png": []])
    #expect(try texts(collection) == [:])
  }

  @Test("captions of an earlier file stay until a new file is given")
  func earlierFile() throws {
    let collection = Collection()
    for name in ["a.png", "b.png"] { collection.write(name, "") }
    collection.write("a.txt", "A bird.")
    #expect(try texts(collection, stored: captions("one", "two")) == [:])
    let file = collection.write("captions.csv", "image,caption\nother.png,x\nb.png,y")
    #expect(
      try texts(collection, captions: file, stored: captions("one")) == [
        "a.png": sidecar("A bird."), "b.png": captions("y"),
      ])
  }

  @Test("a captions file of other pictures is an error, so that no captions are lost")
  func otherPictures() throws {
    let collection = Collection()
    collection.write("a.png", "")
    let file = collection.write("captions.csv", "image,caption\nother.png,x\nthird.png,y")
    let error = #expect(throws: RetrievalError.self) { try texts(collection, captions: file) }
    #expect(error?.description.contains("other.png") == true)
  }
}
