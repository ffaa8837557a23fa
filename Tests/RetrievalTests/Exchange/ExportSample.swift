import BLIP
import Checkpoints
import FoundationEssentials
import Store
import StoreTestSupport
import TestSupport

@testable import Retrieval

/// An index whose pictures and texts are of many kinds and whose embeddings are arbitrary: what is
/// exported need not come from a model. Its collection has no files.
struct ExportSample {
  static let modelPath = Checkout.defaultModel
  static let model = Result { try ModelFolder(path: modelPath) }

  let temporary = TemporaryFolder()
  let store: IndexStore
  var folder: String { temporary.path + "/export" }
  var copy: String { temporary.path + "/copy" }

  /// The index, exported to `folder`.
  init() throws {
    let metadata = IndexMetadata(
      name: "many kinds", model: try Self.model.get(), precision: .bf16, features: .none,
      collection: "/photos of mine")
    store = try IndexStore.openForWriting(temporary.path + "/index", metadata: metadata)
    let names: [[UInt8]] = [
      Array("plain.png".utf8), Array("gone.png".utf8), Array("a/b/ünï 犬 \"q\" \\ \n.jpg".utf8),
      [0xFF, 0x61, 0xC3, 0x2F, 0x80], Array("last.tif".utf8),
    ]
    try store.write { change in
      var ids: [UInt64] = []
      for (seed, name) in names.enumerated() {
        var record = StoreFixture.record("", seed: seed + 1)
        record.path = name
        if seed == 4 { (record.size, record.modified) = (.max, .min) }
        ids.append(
          try change.put(record, embedding: Self.embedding(seed), features: nil))
      }
      try change.setTexts(
        [("two lines \u{2028}\n& <more>", Self.embedding(20)), ("same", Self.embedding(21))],
        of: ids[4])
      try change.setTexts([("of none", Self.embedding(22))], of: nil)
      try change.setTexts([("", Self.embedding(23))], of: ids[0], source: .sidecar)
      try change.setTexts(
        [("same", Self.embedding(21))], of: ids[2], source: .synthetic(by: "a “model”\n, 3 beams"))
      try change.removePicture(ids[1])
    }
    _ = try store.export(to: folder)
  }

  static func embedding(_ seed: Int) -> [Float] { StoreFixture.embedding(seed, size: 256) }

  @discardableResult
  func importAgain(
    collection: String? = nil, shouldStop: () -> Bool = { false }
  ) throws -> ImportSummary? {
    try IndexImport(
      ImportRequest(folder: folder, index: copy, collection: collection, model: Self.modelPath)
    ).run(shouldStop: shouldStop)
  }

  func read(_ name: String) -> [UInt8] {
    Array(FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data())
  }

  func write(_ name: String, _ bytes: [UInt8]) { temporary.write("export/\(name)", bytes) }

  /// Replaces one text in a file by another.
  func edit(_ name: String, _ old: String, _ new: String) {
    let text = String(decoding: read(name), as: UTF8.self)
    let parts = text.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
    precondition(parts.count == 2, "\(name) has no \(old)")
    write(name, Array((parts[0] + new + parts[1]).utf8))
  }

  /// Stores another number in a table of embeddings.
  func setNumber(_ name: String, row: Int, column: Int, _ value: Float) {
    var bytes = read(name)
    let place = 128 + 4 * (256 * row + column)
    withUnsafeBytes(of: value) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    write(name, bytes)
  }
}

/// All that an index holds, but for ids: pictures in their order with their texts, and the texts of
/// none.
struct IndexContent: Equatable {
  struct Text: Equatable {
    let text: String
    let source: TextSource
    let embedding: [Float]
  }
  struct Picture: Equatable {
    let record: PictureRecord
    let embedding: [Float]
    let texts: [Text]
  }
  var pictures: [Picture] = []
  var texts: [Text] = []

  init(_ store: IndexStore) throws {
    self = try store.read { snapshot in try IndexContent(snapshot) }
  }

  private init(_ snapshot: borrowing IndexSnapshot) throws {
    var pictures: [Picture] = []
    try snapshot.forEachPicture { id, record in
      pictures.append(
        Picture(
          record: record, embedding: try snapshot.embedding(picture: id) ?? [],
          texts: try Self.texts(of: id, snapshot)))
    }
    self.pictures = pictures
    texts = try Self.texts(of: nil, snapshot)
  }

  private static func texts(of picture: UInt64?, _ snapshot: borrowing IndexSnapshot) throws
    -> [Text]
  {
    var texts: [Text] = []
    for (id, text) in try snapshot.texts(of: picture) {
      texts.append(
        Text(
          text: text, source: try snapshot.text(id)?.source ?? .captions,
          embedding: try snapshot.embedding(text: id) ?? []))
    }
    return texts
  }
}
