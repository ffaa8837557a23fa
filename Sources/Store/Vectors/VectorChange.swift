internal import LMDB
internal import Tensors
internal import VectorIndex

extension IndexTables {
  /// Stores changed embeddings, or drops those that are nil, and their codes with them.
  func apply(
    _ changes: [UInt64: [Float]?], to space: VectorSpace, in transaction: borrowing WriteTransaction
  ) throws {
    guard !changes.isEmpty else { return }
    let embeddings = embeddings(of: space)
    try embeddings.apply(changes, in: transaction)
    guard let vectors else { return }
    var change = try VectorChange(of: space, in: vectors, embeddings, transaction)
    try change.apply(changes, in: transaction)
    try change.finish(in: transaction)
  }
}

/// A change of the blocks of a space: writes those that vectors leave or join, and no others.
struct VectorChange {
  /// A block that is left with less than this part of what it may hold is dissolved, so that deletes
  /// leave no trail of small blocks.
  private static let leastPart = 4

  private let tables: VectorTables
  private let space: VectorSpace
  private let embeddings: EmbeddingTable
  private var lists: [UInt32: ListRecord]
  private var changed: Set<UInt32> = []
  /// Of all lists, one a row; made when it is first needed.
  private var centroids: Matrix?
  private var hasNewCentroids = false

  private var isFlat: Bool { lists[VectorTables.flatList] != nil }
  private var capacity: Int {
    isFlat ? VectorTables.vectorsPerFlatBlock : VectorTables.vectorsPerListBlock
  }

  init(
    of space: VectorSpace, in tables: VectorTables, _ embeddings: EmbeddingTable,
    _ transaction: borrowing WriteTransaction
  ) throws {
    self.tables = tables
    self.space = space
    self.embeddings = embeddings
    lists = try tables.lists(of: space, in: transaction)
    if lists.isEmpty { lists[VectorTables.flatList] = .flat }
  }

  /// A space that holds nothing yet, with a list for each centroid.
  init(
    of space: VectorSpace, in tables: VectorTables, _ embeddings: EmbeddingTable, centroids: Matrix
  ) {
    self.tables = tables
    self.space = space
    self.embeddings = embeddings
    lists = [:]
    for row in 0..<centroids.rows {
      lists[VectorTables.list(ofRow: row)] = ListRecord(
        count: 0, lastBlock: 0, centroid: Array(centroids[row: row]))
    }
    changed = Set(lists.keys)
    self.centroids = centroids
    hasNewCentroids = true
  }

  /// Takes changed vectors out of their blocks, and puts those that are not nil into the last block
  /// of their list.
  mutating func apply(
    _ changes: [UInt64: [Float]?], in transaction: borrowing WriteTransaction
  ) throws {
    var leaving: [Place: Set<UInt64>] = [:]
    for (id, vector) in changes {
      guard let place = try tables.places.get((space, id), in: transaction) else { continue }
      leaving[place, default: []].insert(id)
      if vector == nil { try tables.places.delete((space, id), in: transaction) }
    }
    var joining = try divided(changes.compactMap { id, vector in vector.map { Vector(id, $0) } })
    for (place, ids) in leaving.sorted(by: { $0.key < $1.key }) {
      let stranded = try take(ids, from: place, in: transaction)
      joining[place.list, default: []] += try stranded.map { try stored($0, in: transaction) }
    }
    for (list, vectors) in joining.sorted(by: { $0.key < $1.key }) {
      try add(vectors.sorted { $0.id < $1.id }, to: list, in: transaction)
    }
    try divideLongLists(in: transaction)
  }

  /// Vectors that are divided among lists together.
  static let atOnce = 8192

  /// Puts all embeddings of the table into blocks, of which there are none yet.
  mutating func addAll(
    shouldStop: () -> Bool = { false }, in transaction: borrowing WriteTransaction
  ) throws {
    let ids = try embeddings.ids(in: transaction)
    var members: [UInt32: [UInt64]] = [:]
    if isFlat {
      members[VectorTables.flatList] = ids
    } else {
      for first in stride(from: 0, to: ids.count, by: Self.atOnce) {
        guard !shouldStop() else { throw Interrupted() }
        let part = ids[first...].prefix(Self.atOnce)
        let rows = nearestRows(
          of: try embeddings.matrix(of: Array(part), in: transaction), among: try centroidMatrix()
        ).rows
        for (id, row) in zip(part, rows) {
          members[VectorTables.list(ofRow: row), default: []].append(id)
        }
      }
    }
    for (list, ids) in members.sorted(by: { $0.key < $1.key }) {
      guard !shouldStop() else { throw Interrupted() }
      for first in stride(from: 0, to: ids.count, by: capacity) {
        let vectors = try ids[first...].prefix(capacity).map { try stored($0, in: transaction) }
        try add(vectors, to: list, in: transaction)
      }
    }
    try divideLongLists(in: transaction)
  }

  /// Writes down what has become of the lists; a space without vectors leaves nothing.
  mutating func finish(in transaction: borrowing WriteTransaction) throws {
    guard lists.values.contains(where: { $0.count > 0 }) else {
      return try tables.removeAll(of: space, in: transaction)
    }
    for list in changed.sorted() {
      try tables.centroids.put((space, list), lists[list]!, in: transaction)
    }
    guard hasNewCentroids else { return }
    let matrix = try centroidMatrix()
    let codes = try tables.readingBlocks { CentroidCodes.encode(try Centroids(matrix)) }
    try tables.lists.put(
      BlockKey(space: space.ofLists, list: VectorTables.flatList, block: 0), codes, in: transaction)
  }

  private struct Vector {
    let id: UInt64
    let numbers: [Float]

    init(_ id: UInt64, _ numbers: [Float]) {
      self.id = id
      self.numbers = numbers
    }
  }

  private func stored(_ id: UInt64, in transaction: borrowing WriteTransaction) throws -> Vector {
    guard let numbers = try embeddings.get(id, in: transaction) else {
      throw tables.damaged("vector \(id) has no embedding")
    }
    return Vector(id, numbers)
  }

  /// Vectors by the list that they belong to.
  private mutating func divided(_ vectors: [Vector]) throws -> [UInt32: [Vector]] {
    guard !vectors.isEmpty else { return [:] }
    guard !isFlat else { return [VectorTables.flatList: vectors] }
    let rows = nearestRows(of: matrix(of: vectors), among: try centroidMatrix()).rows
    return Dictionary(grouping: zip(rows, vectors), by: { VectorTables.list(ofRow: $0.0) })
      .mapValues { $0.map(\.1) }
  }

  private func matrix(of vectors: [Vector]) -> Matrix {
    Matrix(
      rows: vectors.count, columns: tables.dimension, values: vectors.flatMap(\.numbers))
  }

  private mutating func centroidMatrix() throws -> Matrix {
    if let centroids { return centroids }
    let matrix = try tables.matrix(of: lists)
    centroids = matrix
    return matrix
  }

  /// Takes vectors out of a block; returns the ids of the others where it was dissolved.
  private mutating func take(
    _ ids: Set<UInt64>, from place: Place, in transaction: borrowing WriteTransaction
  ) throws -> [UInt64] {
    let key = BlockKey(space: space, list: place.list, block: place.block)
    guard let list = lists[place.list],
      let (held, block, rest) = try tables.lists.bytes(
        key, in: transaction,
        { bytes in
          try tables.readingBlocks {
            let block = try VectorBlock.removing(ids, from: bytes)
            return (
              try VectorBlock.count(of: bytes), block, try VectorBlock.ids(of: block.span.bytes)
            )
          }
        })
    else { throw tables.damaged("there is no block \(place.block) of list \(place.list)") }
    guard held - rest.count == ids.count, Int(list.count) >= held else {
      throw tables.damaged("block \(place.block) of list \(place.list) lacks vectors")
    }
    let isDissolved = rest.count * Self.leastPart < capacity && place.block != list.lastBlock
    if isDissolved || rest.isEmpty {
      try tables.lists.delete(key, in: transaction)
    } else {
      try tables.lists.put(key, block, in: transaction)
    }
    lists[place.list]!.count -= UInt32(isDissolved ? held : ids.count)
    changed.insert(place.list)
    return isDissolved ? rest : []
  }

  /// Puts vectors into the last block of a list as long as it has room, then into new ones.
  private mutating func add(
    _ vectors: [Vector], to list: UInt32, in transaction: borrowing WriteTransaction
  ) throws {
    guard var record = lists[list] else { throw tables.damaged("there is no list \(list)") }
    let centroid = record.centroid.isEmpty ? nil : record.centroid
    var rest = vectors[...]
    while !rest.isEmpty {
      let key = BlockKey(space: space, list: list, block: record.lastBlock)
      let last = try tables.lists.get(key, in: transaction) ?? []
      let held = try tables.readingBlocks {
        last.isEmpty ? 0 : try VectorBlock.count(of: last.span.bytes)
      }
      let added = rest.prefix(max(0, capacity - held))
      rest = rest.dropFirst(added.count)
      if !added.isEmpty {
        let (ids, numbers) = (added.map(\.id), added.flatMap(\.numbers))
        let block = try tables.readingBlocks {
          held == 0
            ? try VectorBlock.encode(
              ids: ids, vectors: numbers, dimension: tables.dimension, centroid: centroid)
            : try VectorBlock.appending(
              ids: ids, vectors: numbers, centroid: centroid, to: last.span.bytes)
        }
        try tables.lists.put(key, block, in: transaction)
        let place = Place(list: list, block: record.lastBlock)
        for id in ids { try tables.places.put((space, id), place, in: transaction) }
      }
      if !rest.isEmpty {
        guard record.lastBlock < .max else { throw tables.damaged("list \(list) is full") }
        record.lastBlock += 1
      }
    }
    let (count, overflow) = record.count.addingReportingOverflow(UInt32(vectors.count))
    guard !overflow else { throw tables.damaged("list \(list) has \(record.count) vectors") }
    record.count = count
    lists[list] = record
    changed.insert(list)
  }

  /// Divides lists that hold far more than their share would be in an index made anew.
  private mutating func divideLongLists(in transaction: borrowing WriteTransaction) throws {
    guard !isFlat else { return }
    let total = lists.values.reduce(0) { $0 + Int($1.count) }
    let share = max(lists.count, Centroids.listCount(for: total))
    var due = changed.sorted()
    while let list = due.popLast() {
      guard ListDivision.isDue(Int(lists[list]!.count), lists: share, total: total) else {
        continue
      }
      let second = VectorTables.list(ofRow: lists.count)
      let vectors = try takeAll(of: list, in: transaction)
      var random = SplitMix64(seed: UInt64(list) << 32 | UInt64(vectors.count))
      let division = ListDivision(matrix(of: vectors), using: &random)
      for (side, list) in [list, second].enumerated() {
        lists[list] = ListRecord(
          count: 0, lastBlock: 0, centroid: Array(division.centres[row: side]))
        try add(
          zip(vectors, division.sides).filter { $0.1 == side }.map(\.0), to: list, in: transaction)
      }
      due += [list, second]
      (centroids, hasNewCentroids) = (nil, true)
    }
  }

  /// Takes all blocks of a list away, and returns its vectors.
  private func takeAll(of list: UInt32, in transaction: borrowing WriteTransaction) throws
    -> [Vector]
  {
    var ids: [UInt64] = []
    try tables.forEachBlock(of: space, list, in: transaction) { block in
      ids += try tables.readingBlocks { try VectorBlock.ids(of: block) }
    }
    try tables.require(ids.count, in: list, toBe: lists[list]!.count)
    try tables.lists.deleteAll(
      in: transaction, from: BlockKey(space: space, list: list, block: 0),
      through: BlockKey(space: space, list: list, block: .max))
    return try ids.map { try stored($0, in: transaction) }
  }
}
