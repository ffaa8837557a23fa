import Digests
import Files
import FoundationEssentials
import Store
import TestSupport
import Testing

@testable import Retrieval

@Suite("Embeddings made elsewhere")
struct ClipRetrievalImportTests {
  private let collection = Collection()
  private let output = Collection()
  private let index = TemporaryFolder().path + "/index"

  /// A part of a table in numbers of a type, each row as given.
  private func write(
    _ folder: String, _ part: String, type: NumpyHeader.Element = .float32, _ rows: [[Float]]
  ) {
    let header = NumpyHeader(rows: rows.count, columns: rows[0].count).bytes
    let text = String(decoding: header.dropFirst(10), as: UTF8.self)
      .split(separator: "<f4").joined(separator: type.rawValue)
    let numbers = rows.joined().flatMap { number -> [UInt8] in
      switch type {
      case .float16: withUnsafeBytes(of: Float16(number)) { Array($0) }
      case .float32: withUnsafeBytes(of: number) { Array($0) }
      case .float64: withUnsafeBytes(of: Double(number)) { Array($0) }
      }
    }
    output.write("\(folder)/\(folder)_\(part).npy", header.prefix(10) + Array(text.utf8) + numbers)
  }

  private func describe(_ part: String, _ lines: String...) {
    output.write("metadata/metadata_\(part).jsonl", lines.joined(separator: "\n"))
  }

  private func add(_ name: String) -> [UInt8] {
    let picture = TestPNG.picture(seed: name.utf8.count)
    collection.write(name, picture)
    return picture
  }

  private func run(collection: String? = nil) throws -> ImportSummary? {
    try IndexImport(
      ImportRequest(
        folder: output.path, index: index, collection: collection ?? self.collection.path,
        model: ExportSample.modelPath)
    ).run()
  }

  private func row(_ seed: Int, length: Float = 1) -> [Float] {
    ExportSample.embedding(seed).map { $0 * length }
  }

  @Test("Shards of every number type are read in the order of their numbers and normalised")
  func parts() throws {
    let pictures = ["a.png", "folder/bb.png", "ccc.png"].map(add)
    write("img_emb", "0002", type: .float16, [row(1, length: 3)])
    write("img_emb", "0010", type: .float64, [row(2, length: 1e-20)])
    write("img_emb", "11", [row(3, length: 1e10)])
    describe("2", #"{"image_path": "a.png", "key": 1}"#)
    describe("10", #"{"image_path": "\#(collection.path)/folder/./bb.png", "width": null}"#)
    describe("11", #"{"image_path": "folder\/..\/ccc.png"}"#)
    let summary = try #require(try run())
    #expect(summary.pictures == 3 && summary.texts == 0 && summary.metadata.features == .none)
    let content = try IndexContent(IndexStore.open(index)).pictures
    #expect(
      content.map { String(decoding: $0.record.path, as: UTF8.self) }
        == ["a.png", "folder/bb.png", "ccc.png"])
    for (place, picture) in content.enumerated() {
      let distance = zip(picture.embedding, row(place + 1)).map { abs($0 - $1) }.max() ?? 1
      #expect(distance < (place == 0 ? 1e-3 : 1e-6))
      let norm = picture.embedding.reduce(0) { $0 + $1 * $1 }
      #expect(abs(norm - 1) < 1e-5)
      #expect(picture.record.contentHash == SHA256.digest(of: pictures[place]))
      #expect(picture.record.size == UInt64(pictures[place].count) && picture.record.width == 24)
    }
  }

  @Test("Later runs of indexing find these pictures unchanged")
  func indexing() throws {
    _ = add("a.png")
    write("img_emb", "0", [row(1)])
    describe("0", #"{"image_path": "a.png"}"#)
    _ = try run()
    let store = try IndexStore.open(index)
    let plan = try store.read {
      try IndexingPlan(
        scans: [0: CollectionScan(root: collection.root)], retriesFailures: false, snapshot: $0)
    }
    #expect(plan.unchanged == 1 && plan.jobs.isEmpty && plan.roots[0]?.vanished.isEmpty == true)
  }

  @Test("A caption beside text_emb is a text; without, it is counted as left out")
  func captions() throws {
    _ = add("a.png")
    _ = add("bb.png")
    write("img_emb", "0", [row(1), row(2)])
    describe(
      "0", #"{"image_path": "a.png", "caption": " two\nwords "}"#,
      #"{"image_path": "bb.png", "caption": null}"#)
    #expect(try run()?.omissions.captions == 1)
    try FileManager.default.removeItem(atPath: index)

    write("text_emb", "0", [row(3, length: 2), row(4)])
    let summary = try #require(try run())
    #expect(summary.texts == 1 && summary.omissions.captions == 0)
    let texts = try #require(try IndexContent(IndexStore.open(index)).pictures.first?.texts)
    #expect(texts.map(\.text) == ["two words"])
    #expect(zip(texts[0].embedding, row(3)).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test("Pictures whose file cannot be read are left out and counted")
  func omissions() throws {
    _ = add("a.png")
    collection.write("bad.png", "no picture")
    write("img_emb", "0", [row(1), row(2), row(3), row(4)])
    describe(
      "0", #"{"image_path": "gone.png"}"#, #"{"image_path": "a.png"}"#,
      #"{"image_path": "bad.png"}"#, #"{"image_path": "a.png/x.png"}"#)
    let summary = try #require(try run())
    #expect(summary.pictures == 1)
    #expect(summary.omissions.missing == 2 && summary.omissions.missingExample == "gone.png")
    #expect(summary.omissions.unreadable == 1)
    #expect(summary.omissions.unreadableExample?.hasPrefix("bad.png: ") == true)
  }

  @Test("An import without any picture is an error, and so is a folder of other embeddings")
  func errors() throws {
    write("img_emb", "0", [row(1)])
    describe("0", #"{"image_path": "gone.png"}"#)
    func expect(
      _ mentions: String..., code: RetrievalError.Code = .other,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let error = #expect(throws: RetrievalError.self, sourceLocation: sourceLocation) {
        try run()
      }
      #expect(error?.code == code, sourceLocation: sourceLocation)
      for part in mentions {
        #expect(
          error?.description.contains(part) == true, "\(error?.description ?? "")",
          sourceLocation: sourceLocation)
      }
    }
    expect("not one", "gone.png", code: .unknownCollection)
    describe("0", #"{"image_path": "../gone.png"}"#)
    expect("metadata_0.jsonl: line 1", "../gone.png", code: .unknownCollection)
    describe("0", #"{"image_path": "/etc/passwd"}"#)
    expect("line 1", "/etc/passwd", code: .unknownCollection)
    describe("0", #"{"url": "http://x"}"#)
    expect("line 1", "image_path")
    describe("0", #"{"image_path": "gone.png", "caption": 7}"#)
    expect("line 1", "caption")
    write("img_emb", "0", [Array(repeating: 0, count: 256)])
    describe("0", #"{"image_path": "gone.png"}"#)
    expect("img_emb_0.npy", "row 0", "zeros")
    write("img_emb", "0", type: .float64, [row(1, length: .infinity)])
    expect("img_emb_0.npy", "row 0", "finite")
    write("img_emb", "0", [[1, 0]])
    expect("2 numbers", "256", code: .foreignEmbeddings)
    write("img_emb", "0", [row(1)])
    write("text_emb", "0", [row(1), row(2)])
    expect("2 rows", "text_emb")
    output.write("text_metadata/text_metadata_0.jsonl", "")
    expect("blip.json")
    output.remove("metadata/metadata_0.jsonl")
    output.write("metadata/metadata_0.parquet", "PAR1")
    output.remove("text_emb")
    expect("metadata_0.parquet", "to_json")
  }

  @Test("The collection must be named")
  func noCollection() throws {
    let error = #expect(throws: RetrievalError.self) {
      try IndexImport(
        ImportRequest(folder: output.path, index: index, model: ExportSample.modelPath))
    }
    #expect(error?.code == .unknownCollection)
  }
}
