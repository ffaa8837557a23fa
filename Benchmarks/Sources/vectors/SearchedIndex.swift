import BenchmarkSupport
import Foundation
import Tensors
import VectorIndex

/// An index that is searched and changed.
protocol SearchedIndex {
  /// Of its codes and its vectors.
  var bytes: Int { get }
  /// Settings to sweep, recall rising.
  var settings: [String] { get }
  mutating func set(_ setting: String) throws
  func search(_ query: [Float], count: Int) throws -> [UInt64]
  func search(_ queries: [[Float]], count: Int, threads: Int) throws -> [[UInt64]]
  mutating func add(_ ids: [UInt64], _ vectors: [[Float]]) throws
  mutating func remove(_ ids: [UInt64]) throws
}

/// Blocks of codes that are scanned from the first to the last.
struct ExactIndex: SearchedIndex {
  private let dimension: Int
  private var vectors: [Float]
  /// The blocks, and the ids of each.
  private var blocks: [[UInt8]] = []

  init(_ data: VectorData) throws {
    dimension = data.dimension
    vectors = try data.base()
    for start in stride(from: 0, to: data.count, by: VectorBlock.capacity) {
      let rows = start..<min(start + VectorBlock.capacity, data.count)
      blocks.append(
        try VectorBlock.encode(
          ids: rows.map { UInt64($0) },
          vectors: Array(vectors[rows.lowerBound * dimension..<rows.upperBound * dimension]),
          dimension: dimension))
    }
  }

  var bytes: Int { blocks.reduce(0) { $0 + $1.count } + 4 * vectors.count }
  var settings: [String] { ["exact"] }
  mutating func set(_ setting: String) {}

  // The blocks stay in memory, and stay as they are, while a scan goes over them.
  private var stored: [StoredBlock] {
    blocks.map { $0.withUnsafeBytes { StoredBlock(unsafeBytes: $0) } }
  }

  func search(_ query: [Float], count: Int) throws -> [UInt64] {
    var scan = BlockScan(try PreparedQuery(query), count: count)
    try withExtendedLifetime(blocks) {
      try scan.visit(stored.map { ProbedBlock($0, centroidScore: 0) })
    }
    return try finish(scan)
  }

  func search(_ queries: [[Float]], count: Int, threads: Int) throws -> [[UInt64]] {
    var scans = try queries.map { BlockScan(try PreparedQuery($0), count: count) }
    try withExtendedLifetime(blocks) { try BlockScan.visit(stored, with: &scans) }
    return try scans.map(finish)
  }

  private func finish(_ scan: BlockScan) throws -> [UInt64] {
    try scan.finish { id in
      let row = Int(id) * dimension..<(Int(id) + 1) * dimension
      return try exactScore(scan.query.numbers, vectors.span.extracting(row).bytes)
    }.map(\.id)
  }

  mutating func add(_ ids: [UInt64], _ added: [[Float]]) throws {
    guard let first = ids.first, Int(first) * dimension == vectors.count else {
      throw BenchmarkError("ids that do not follow on those there are")
    }
    vectors += added.joined()
    for start in stride(from: 0, to: ids.count, by: VectorBlock.capacity) {
      let rows = start..<min(start + VectorBlock.capacity, ids.count)
      blocks.append(
        try VectorBlock.encode(
          ids: Array(ids[rows]), vectors: Array(added[rows].joined()), dimension: dimension))
    }
  }

  /// Vectors are never moved here, so a vector's block is the one of its number.
  mutating func remove(_ ids: [UInt64]) throws {
    for (block, removed) in Dictionary(grouping: ids, by: { Int($0) / VectorBlock.capacity }) {
      let old = blocks[block]
      blocks[block] = try VectorBlock.removing(Set(removed), from: old.span.bytes)
    }
  }
}

/// Lists that are probed.
struct ListIndex: SearchedIndex {
  private var index: IVFIndex
  private let dimension: Int
  private var probes: Probes

  init(_ data: VectorData) throws {
    dimension = data.dimension
    index = try IVFIndex(
      ids: (0..<data.count).map { UInt64($0) },
      vectors: Matrix(rows: data.count, columns: data.dimension, values: try data.base()))
    probes = index.calibration.probes
  }

  var bytes: Int { index.codeBytes + 4 * dimension * index.count }

  /// Margins by which a list may be below the best one, with the calibrated one among them.
  var settings: [String] {
    let swept = stride(from: Float(0.02), through: 0.4, by: 0.02)
    return (swept + [index.calibration.probes.margin]).sorted()
      .map { String(format: "%.4f", $0) }
  }

  mutating func set(_ setting: String) throws {
    guard let margin = Float(setting) else { throw BenchmarkError("no margin: \(setting)") }
    probes = Probes(margin: margin, nprobe: index.centroids.count)
  }

  func search(_ query: [Float], count: Int) throws -> [UInt64] {
    try index.search(for: query, count: count, probes: probes).map(\.id)
  }

  func search(_ queries: [[Float]], count: Int, threads: Int) throws -> [[UInt64]] {
    let found = Found(count: queries.count)
    // A thread for each query leaves none to divide its lists among.
    setComputeThreads(1)
    defer { setComputeThreads(threads) }
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      for query in stride(from: thread, to: queries.count, by: threads) {
        found[query] = Result { try search(queries[query], count: count) }
      }
    }
    return try found.results()
  }

  mutating func add(_ ids: [UInt64], _ vectors: [[Float]]) throws {
    try index.add(
      ids, Matrix(rows: ids.count, columns: dimension, values: Array(vectors.joined())))
  }

  mutating func remove(_ ids: [UInt64]) throws { try index.remove(ids) }
}

/// What several threads find, each its own queries' share.
private final class Found: @unchecked Sendable {
  private let lock = NSLock()
  private var found: [Result<[UInt64], any Error>?]

  init(count: Int) { found = Array(repeating: nil, count: count) }

  subscript(query: Int) -> Result<[UInt64], any Error>? {
    get { lock.withLock { found[query] } }
    set { lock.withLock { found[query] = newValue } }
  }

  func results() throws -> [[UInt64]] { try found.map { try $0?.get() ?? [] } }
}
