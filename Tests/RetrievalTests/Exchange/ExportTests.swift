import BLIP
import Checkpoints
import FoundationEssentials
import Store
import StoreTestSupport
import TestSupport
import Testing
import VectorIndex

@testable import Retrieval

@Suite("Exports")
struct ExportTests {
  private let sample: ExportSample

  init() throws { sample = try ExportSample() }

  private func files(of folder: String) throws -> [String: Data] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder)
    return Dictionary(
      uniqueKeysWithValues: names.compactMap { name in
        FileManager.default.contents(atPath: "\(folder)/\(name)").map { (name, $0) }
      })
  }

  @Test("An import of an export holds the same pictures, texts and embeddings, bit for bit")
  func roundTrip() throws {
    let summary = try #require(try sample.importAgain())
    #expect(summary.pictures == 4 && summary.texts == 5)
    #expect(summary.omissions == ImportOmissions())
    let copy = try IndexStore.open(sample.copy)
    #expect(try IndexContent(copy) == IndexContent(sample.store))
    let metadata = sample.store.metadata
    #expect(copy.metadata == metadata)
    #expect(metadata.name == "many kinds" && metadata.precision == .bf16)
    let query = ExportSample.embedding(3)
    let found = try copy.read { try $0.nearestPictures(to: query, count: 4).map(\.score) }
    #expect(
      try found == sample.store.read { try $0.nearestPictures(to: query, count: 4).map(\.score) })
  }

  @Test("Exporting an imported index gives the same files")
  func again() throws {
    try sample.importAgain()
    let other = sample.temporary.path + "/other"
    _ = try IndexStore.open(sample.copy).export(to: other)
    #expect(try files(of: other) == files(of: sample.folder))
  }

  @Test("Each row of an .npy file has an object in a line, with clip-retrieval's names")
  func layout() throws {
    let names = try files(of: sample.folder).keys.sorted()
    #expect(
      names == [
        "blip.json", "img_emb/img_emb_0.npy", "metadata/metadata_0.jsonl",
        "text_emb/text_emb_0.npy", "text_metadata/text_metadata_0.jsonl",
      ])
    let pictures = try NumpyFile(sample.folder + "/img_emb/img_emb_0.npy")
    #expect(pictures.header == NumpyHeader(rows: 4, columns: 256))
    #expect(try pictures.rows(1..<2) == ExportSample.embedding(2))
    let metadata = String(decoding: sample.read("metadata/metadata_0.jsonl"), as: UTF8.self)
      .split(separator: "\n")
    try #require(metadata.count == 4)
    let hash = String(repeating: "01", count: 32)
    #expect(
      metadata[0] == """
        {"caption":"","captions":[""],"height":70001,"image_path":"plain.png","modified":-1,\
        "orientation":2,"sha256":"\(hash)","size":1099511627776,"width":1}
        """)
    #expect(
      metadata[2].contains(
        #""image_path":"\#u{FFFD}a\#u{FFFD}/\#u{FFFD}","image_path_base64":"/2HDL4A=""#))
    let texts = String(decoding: sample.read("text_metadata/text_metadata_0.jsonl"), as: UTF8.self)
      .split(separator: "\n")
    #expect(texts.first == #"{"caption":"","image_row":0,"source":"sidecar"}"#)
    #expect(texts.last == #"{"caption":"of none","source":"captions"}"#)
  }

  @Test("A folder that is not empty is refused and left as it is; an empty one is used")
  func place() throws {
    let before = try files(of: sample.folder)
    let error = #expect(throws: RetrievalError.self) {
      try sample.store.export(to: sample.folder)
    }
    #expect(error?.description.contains(sample.folder) == true)
    #expect(try files(of: sample.folder) == before)
    #expect(throws: RetrievalError.self) {
      try sample.store.export(to: sample.folder + "/blip.json")
    }
    let empty = TemporaryFolder().path
    #expect(try sample.store.export(to: empty + "/") == ExportSummary(pictures: 4, texts: 5))
    #expect(try files(of: empty) == before)
    let deep = empty + "-new/a/b//"
    _ = try sample.store.export(to: deep)
    #expect(try files(of: deep) == before)
  }

  @Test("An interrupted export leaves nothing")
  func interrupted() throws {
    let parent = TemporaryFolder().path
    var questions = 0
    let summary = try sample.store.export(to: parent + "/export") {
      questions += 1
      return questions == 3
    }
    #expect(summary == nil)
    #expect(try FileManager.default.contentsOfDirectory(atPath: parent).isEmpty)
  }

  @Test("An index without pictures has nothing to export; one without texts has no tables of them")
  func little() throws {
    let fixture = try StoreFixture()
    let place = TemporaryFolder().path + "/export"
    #expect(throws: RetrievalError.self) { try fixture.store.export(to: place) }
    #expect(!FileManager.default.fileExists(atPath: place))
    _ = try fixture.store.write {
      try $0.put(
        StoreFixture.record("a.png"), embedding: StoreFixture.embedding(1), features: nil)
    }
    #expect(try fixture.store.export(to: place) == ExportSummary(pictures: 1, texts: 0))
    #expect(try files(of: place).count == 3)
  }
}
