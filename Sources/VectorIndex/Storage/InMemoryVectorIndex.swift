public import Tensors

/// An index in memory: vectors by id, found by their dot product with a query.
///
/// ```swift
/// let index = InMemoryVectorIndex(dimension: 256)
/// try index.apply([7: vector, 8: other])
/// try index.update()
/// let nearest = try index.nearest(to: query, VectorSearchOptions(count: 10))
/// ```
///
/// Several threads may search it, but none while it is changed.
public final class InMemoryVectorIndex {
  /// Numbers in a vector.
  public let dimension: Int
  private var vectors: StoredRows
  private var records: [UInt32: VectorList] = [:]
  private var contentsOfLists: [UInt32: List] = [:]
  private var codes: (memory: StoredBytes, value: CentroidCodes)?
  private var locations: [UInt64: VectorLocation] = [:]
  private var measured: ProbeMeasurement?
  private var recall = VectorIndexOptions.usualRecall

  /// The memory of a list.
  private struct List {
    var centroid: StoredBytes?
    var blocks: [UInt32: StoredBytes] = [:]
    /// What a search reads of them.
    var stored = StoredList(blocks: [], centroid: nil)

    mutating func set(_ block: StoredBytes?, _ number: UInt32) {
      blocks[number] = block
      stored.blocks = blocks.sorted { $0.key < $1.key }.map(\.value.block)
    }
  }

  /// An index that holds nothing.
  public init(dimension: Int) {
    self.dimension = dimension
    vectors = StoredRows(dimension: dimension)
  }

  /// An index of the rows of `vectors`. Throws where a number is not finite or huge.
  public convenience init(
    ids: [UInt64], vectors: Matrix, _ options: VectorIndexOptions = VectorIndexOptions()
  ) throws {
    precondition(ids.count == vectors.rows && Set(ids).count == ids.count)
    self.init(dimension: vectors.columns)
    for (row, id) in ids.enumerated() { self.vectors.put(id, vectors[row: row]) }
    var options = options
    options.isRebuilt = true
    try update(options)
  }

  /// Brings the index to the number of its vectors: flat, or in lists, with probes measured for the recall
  /// wanted. Does nothing if the index is up to date.
  public func update(_ options: VectorIndexOptions = VectorIndexOptions()) throws {
    if let recall = options.recall { self.recall = recall }
    let lists = records[VectorList.flat] == nil ? records.count : 0
    let work = VectorIndexWork(
      options, recall: recall, count: vectors.count, lists: lists, measured: measured)
    if let work { try perform(work) }
  }

  /// Bytes of the blocks, without the vectors themselves.
  public var codeBytes: Int {
    contentsOfLists.values.reduce(0) { $1.blocks.values.reduce($0) { $0 + $1.bytes.count } }
  }
}

extension InMemoryVectorIndex: VectorSource {
  /// What the index holds.
  public func contents() -> VectorContents {
    VectorContents(
      count: locations.count, isFlat: records[VectorList.flat] != nil, probes: measured?.probes)
  }

  /// The codes of the centroids of all lists.
  public func centroidCodes() throws -> CentroidCodes {
    guard let codes else { throw VectorError(description: "there are no centroids") }
    return codes.value
  }

  /// Lists by number.
  public func lists(_ numbers: [UInt32]) -> [StoredList] {
    numbers.map { contentsOfLists[$0]?.stored ?? StoredList(blocks: [], centroid: nil) }
  }

  /// The vectors of these ids.
  public func vectors(_ ids: [UInt64]) -> [StoredBlock?] {
    ids.map { vectors[$0].map { StoredBlock(unsafeBytes: $0) } }
  }
}

extension InMemoryVectorIndex: VectorStorage {
  /// All lists by number.
  public func lists() -> [UInt32: VectorList] { records }

  /// A copy of the block at a location; nil where there is none.
  public func block(at location: VectorLocation) -> [UInt8]? {
    contentsOfLists[location.list]?.blocks[location.block].map { Array($0.bytes) }
  }

  /// Copies of all blocks of a list.
  public func blocks(of list: UInt32) -> [[UInt8]] {
    (contentsOfLists[list]?.stored.blocks ?? []).map { Array($0.bytes) }
  }

  /// The block that a vector's code is in; nil where it is in none.
  public func location(of id: UInt64) -> VectorLocation? { locations[id] }

  /// The ids of all vectors, in ascending order.
  public func ids() -> [UInt64] { vectors.ids }

  /// Appends the numbers of these vectors.
  public func appendVectors(of ids: some Sequence<UInt64>, to numbers: inout [Float]) throws {
    for id in ids {
      guard let vector = vectors[id] else { throw VectorError(description: "no vector \(id)") }
      numbers += UnsafeBufferPointer(
        start: vector.baseAddress?.assumingMemoryBound(to: Float.self), count: dimension)
    }
  }

  /// How probes were measured; nil where they were not.
  public func measurement() -> ProbeMeasurement? { measured }

  /// Stores vectors, or drops those that are nil; `apply` keeps the lists up to date with it.
  public func put(vectors changes: [UInt64: [Float]?]) throws {
    for case (let id, let numbers?) in changes {
      guard numbers.count == dimension, dot(numbers, numbers).isFinite else {
        throw VectorError(description: "vector \(id) has not \(dimension) finite numbers")
      }
    }
    for (id, numbers) in changes {
      if let numbers { vectors.put(id, numbers) } else { vectors.remove(id) }
    }
  }

  /// Stores a block, or drops it where it is nil.
  public func put(block: [UInt8]?, at location: VectorLocation) {
    contentsOfLists[location.list, default: List()].set(
      block.map { StoredBytes($0) }, location.block)
  }

  /// Drops all blocks of a list.
  public func removeBlocks(of list: UInt32) {
    contentsOfLists[list]?.blocks = [:]
    contentsOfLists[list]?.stored.blocks = []
  }

  /// Stores a list's record.
  public func put(_ list: VectorList, number: UInt32) {
    records[number] = list
    guard number != VectorList.flat else { return }
    let centroid = StoredBytes(list.centroid.withUnsafeBytes(Array.init))
    contentsOfLists[number, default: List()].centroid = centroid
    contentsOfLists[number]!.stored.centroid = centroid.block
  }

  /// Stores the codes of the centroids.
  public func put(centroidCodes: [UInt8]) throws {
    let memory = StoredBytes(centroidCodes)
    codes = (memory, try CentroidCodes(memory.block, dimension: dimension))
  }

  /// Stores locations.
  public func put(locations added: [(id: UInt64, location: VectorLocation)]) {
    for (id, location) in added { locations[id] = location }
  }

  /// Drops the location of a vector.
  public func removeLocation(of id: UInt64) { locations[id] = nil }

  /// Stores how probes were measured.
  public func put(_ measurement: ProbeMeasurement?) { measured = measurement }

  /// Drops everything but the vectors.
  public func removeIndex() {
    (records, contentsOfLists, codes, locations) = ([:], [:], nil, [:])
  }
}
