import BenchmarkSupport
import Foundation
import Tensors
import VectorIndex

/// An index that is searched and changed; ids are the rows of the data.
protocol SearchedIndex {
  /// Of all that a search needs.
  var bytes: Int { get throws }
  /// The probes that were measured for the index's recall; nil where every search is exact.
  var probes: Probes? { get throws }
  func search(_ query: [Float], _ options: VectorSearchOptions) throws -> [UInt64]
  func search(_ queries: [[Float]], _ options: VectorSearchOptions) throws -> [[UInt64]]
  mutating func add(_ ids: [UInt64], _ vectors: [[Float]]) throws
  mutating func remove(_ ids: [UInt64]) throws
}

extension SearchedIndex {
  /// Settings to sweep, recall rising: a margin by which a list may be below the best one, with the measured
  /// one among them, and a number of lists.
  var settings: [String] {
    get throws {
      guard let probes = try probes else { return ["0 exact"] }
      let margins = stride(from: Float(0.02), through: 0.4, by: 0.02) + [probes.margin]
      return margins.sorted().map { String(format: "%.4f margin", $0) }
        + [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map { "\($0) nprobe" }
    }
  }
}

/// What a setting asks for.
func options(of setting: String, count: Int) throws -> VectorSearchOptions {
  let words = setting.split(separator: " ")
  switch words.last {
  case "exact": return VectorSearchOptions(count: count, isExact: true)
  case "margin":
    guard let margin = Float(words[0]) else { break }
    return VectorSearchOptions(count: count, probes: Probes(margin: margin, nprobe: .max))
  case "nprobe":
    guard let nprobe = Int(words[0]) else { break }
    return VectorSearchOptions(count: count, probes: .best(nprobe))
  default: break
  }
  throw BenchmarkError("no setting: \(setting)")
}

/// The same algorithm over memory.
struct MemoryIndex: SearchedIndex {
  private let index: InMemoryVectorIndex
  private let dimension: Int
  private let options: VectorIndexOptions

  init(_ data: VectorData, _ options: VectorIndexOptions) throws {
    self.options = options
    dimension = data.dimension
    index = try InMemoryVectorIndex(
      ids: (0..<data.count).map { UInt64($0) },
      vectors: Matrix(rows: data.count, columns: data.dimension, values: try data.base()),
      options)
  }

  var bytes: Int { index.codeBytes + 4 * dimension * index.contents().count }
  var probes: Probes? { index.contents().probes }

  func search(_ query: [Float], _ options: VectorSearchOptions) throws -> [UInt64] {
    try index.nearest(to: query, options).map(\.id)
  }

  func search(_ queries: [[Float]], _ options: VectorSearchOptions) throws -> [[UInt64]] {
    try index.nearest(to: queries, options).map { $0.map(\.id) }
  }

  func add(_ ids: [UInt64], _ vectors: [[Float]]) throws {
    var changes: [UInt64: [Float]?] = [:]
    for (id, vector) in zip(ids, vectors) { changes.updateValue(vector, forKey: id) }
    try index.apply(changes)
    try index.update(options)
  }

  func remove(_ ids: [UInt64]) throws {
    var changes: [UInt64: [Float]?] = [:]
    for id in ids { changes.updateValue(nil, forKey: id) }
    try index.apply(changes)
    try index.update(options)
  }
}
