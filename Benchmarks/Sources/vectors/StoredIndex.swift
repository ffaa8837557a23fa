import BenchmarkSupport
import Foundation
import BLIP
import Retrieval
import Store
import VectorIndex

/// The index that ships: an index directory, of which every search opens a snapshot.
struct StoredIndex: SearchedIndex {
  private let path: String
  private var store: IndexStore
  private let options: VectorIndexOptions
  private var isCopy = false
  /// What making the vector index took, without storing the records and embeddings.
  let building: Cost

  /// Opens the index of the data in `cache`, or makes it.
  init(_ data: VectorData, cache: String, kind: String, _ options: VectorIndexOptions) throws {
    self.options = options
    let name = URL(fileURLWithPath: data.folder).lastPathComponent
    path = "\(cache)/indexes/\(name) blip \(kind)".replacingOccurrences(of: " ", with: "-")
    let figures = URL(fileURLWithPath: "\(path).json")
    if !FileManager.default.fileExists(atPath: figures.path) {
      try? FileManager.default.removeItem(atPath: path)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try JSONEncoder().encode(try Self.make(data, at: path, options)).write(to: figures)
    }
    building = try JSONDecoder().decode(Cost.self, from: Data(contentsOf: figures))
    store = try IndexStore.open(path)
  }

  private static func make(
    _ data: VectorData, at path: String, _ options: VectorIndexOptions
  ) throws -> Cost {
    let store = try IndexStore.openForWriting(path, metadata: metadata(data.dimension))
    let base = try data.base()
    for first in stride(from: 0, to: data.count, by: 4096) {
      try store.write { change in
        for row in first..<min(first + 4096, data.count) {
          let range = row * data.dimension..<(row + 1) * data.dimension
          try change.put(record(row), embedding: Array(base[range]), features: nil)
        }
      }
    }
    var options = options
    options.isRebuilt = true
    return try Cost.of { _ = try store.updateVectorIndex(options) }
  }

  private static func metadata(_ dimension: Int) -> IndexMetadata {
    IndexMetadata(
      name: "vectors", collection: "/vectors",
      model: IndexedModel(name: "none", path: "/none", fingerprint: "0"),
      sizes: IndexedSizes(image: 224, embedding: dimension, featureRows: 1, featureColumns: 1),
      precision: .fp32, features: .none)
  }

  private static func record(_ row: Int) -> PictureRecord {
    let hash = withUnsafeBytes(of: UInt64(row)) { Array($0) } + Array(repeating: 0, count: 24)
    return PictureRecord(
      path: Array("\(row).jpg".utf8), size: 1, modified: 1, contentHash: hash, width: 640,
      height: 480, orientation: 1)
  }

  var bytes: Int {
    get throws { try store.read { try $0.tableSizes().reduce(0) { $0 + $1.bytes } } }
  }

  var probes: Probes? {
    get throws { try store.read { try $0.vectorSummaries().pictures.lists?.probes } }
  }

  func search(_ query: [Float], _ options: VectorSearchOptions) throws -> [UInt64] {
    try search([query], options)[0]
  }

  /// Pictures are numbered from 1 on.
  func search(_ queries: [[Float]], _ options: VectorSearchOptions) throws -> [[UInt64]] {
    try store.read { try $0.nearestPictures(to: queries, options) }.map { $0.map { $0.id - 1 } }
  }

  mutating func add(_ ids: [UInt64], _ vectors: [[Float]]) throws {
    try change { change in
      for (id, vector) in zip(ids, vectors) {
        try change.put(Self.record(Int(id)), embedding: vector, features: nil)
      }
    }
  }

  mutating func remove(_ ids: [UInt64]) throws {
    try change { change in for id in ids { try change.removePicture(id + 1) } }
  }

  private mutating func change(_ body: (borrowing IndexWriter) throws -> Void) throws {
    try store.write(body)
    _ = try store.updateVectorIndex(options)
  }

  /// Goes over to a copy that may be changed.
  mutating func copy() throws {
    guard !isCopy else { return }
    let copy = path + "-updated"
    try? FileManager.default.removeItem(atPath: copy)
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    let metadata = store.metadata
    store = try IndexStore.openForWriting(copy, metadata: metadata)
    isCopy = true
  }
}
