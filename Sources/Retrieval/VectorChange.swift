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
    var joining = divided(changes.compactMap { id, vector in vector.map { Vector(id, $0) } })
    for (place, ids) in leaving.sorted(by: { $0.key < $1.key }) {
      let stranded = try take(ids, from: place, in: transaction)
      joining[place.list, default: []] += try stranded.map { try stored($0, in: transaction) }
    }
    for (list, vectors) in joining.sorted(by: { $0.key < $1.key }) {
      try add(vectors.sorted { $0.id < $1.id }, to: list, in: transaction)
    }
  }

  /// Puts all embeddings of the table into blocks, of which there are none yet.
  mutating func addAll(in transaction: borrowing WriteTransaction) throws {
    var ids: [UInt64] = []
    try embeddings.forEach(in: transaction) { id, _ in ids.append(id) }
    for first in stride(from: 0, to: ids.count, by: capacity) {
      let vectors = try ids[first...].prefix(capacity).map { try stored($0, in: transaction) }
      for (list, vectors) in divided(vectors) { try add(vectors, to: list, in: transaction) }
    }
  }

  /// Writes down what has become of the lists; a space without vectors leaves nothing.
  func finish(in transaction: borrowing WriteTransaction) throws {
    guard lists.values.contains(where: { $0.count > 0 }) else {
      return try tables.removeAll(of: space, in: transaction)
    }
    for list in changed.sorted() {
      try tables.centroids.put((space, list), lists[list]!, in: transaction)
    }
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
  private func divided(_ vectors: [Vector]) -> [UInt32: [Vector]] {
    vectors.isEmpty ? [:] : [VectorTables.flatList: vectors]
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
}
