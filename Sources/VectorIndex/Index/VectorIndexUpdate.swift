import Random
public import Tensors

extension VectorStorage {
  /// Stores changed vectors, or drops those that are nil, and brings the lists up to date.
  public func apply(_ changes: [UInt64: [Float]?]) throws {
    guard !changes.isEmpty else { return }
    try put(vectors: changes)
    var update = try VectorIndexUpdate(self)
    try update.apply(changes)
    try update.finish()
  }
}

/// A change of an index: writes the blocks that vectors leave or join, and no others.
struct VectorIndexUpdate<Storage: VectorStorage> {
  /// A block that is left with less than this part of what it may hold is dissolved, so that removals
  /// leave no trail of small blocks.
  private static var leastPart: Int { 4 }
  /// Vectors that are divided among lists together.
  static var batch: Int { 8192 }

  private let storage: Storage
  private var lists: [UInt32: VectorList]
  private var changed: Set<UInt32> = []
  /// Of all lists, one a row; made when it is first needed.
  private var centroids: Matrix?
  private var hasNewCentroids = false
  private var locations: [UInt64: VectorLocation] = [:]

  private var isFlat: Bool { lists[VectorList.flat] != nil }

  /// A change of what the storage holds.
  init(_ storage: Storage) throws {
    self.storage = storage
    lists = try storage.lists()
    if lists.isEmpty { lists[VectorList.flat] = VectorList(centroid: []) }
  }

  /// A new index with a list for each centroid, or a flat one where there are none.
  init(_ storage: Storage, centroids: Matrix?) {
    self.storage = storage
    lists = [:]
    guard let centroids else {
      lists[VectorList.flat] = VectorList(centroid: [])
      return
    }
    for row in 0..<centroids.rows {
      lists[VectorList.number(ofRow: row)] = VectorList(centroid: centroids[row: row])
    }
    changed = Set(lists.keys)
    self.centroids = centroids
    hasNewCentroids = true
  }

  /// Takes changed vectors out of their blocks, and puts those that are not nil into the last block
  /// of their list.
  mutating func apply(_ changes: [UInt64: [Float]?]) throws {
    var leaving: [VectorLocation: Set<UInt64>] = [:]
    for (id, vector) in changes {
      guard let location = try storage.location(of: id) else { continue }
      leaving[location, default: []].insert(id)
      if vector == nil { try storage.removeLocation(of: id) }
    }
    let ids = changes.compactMap { id, vector in vector == nil ? nil : id }.sorted()
    let joining = Members(ids: ids, numbers: ids.flatMap { changes[$0]!! })
    var joiningByList = try divided(joining)
    for (location, ids) in leaving.sorted(by: { $0.key < $1.key }) {
      let stranded = try take(ids, from: location)
      guard !stranded.isEmpty else { continue }
      try joiningByList[location.list, default: Members()].append(stored(stranded))
    }
    for (list, members) in joiningByList.sorted(by: { $0.key < $1.key }) {
      try add(members, to: list)
    }
    try divideLongLists()
  }

  /// Puts all vectors of the storage into blocks, of which there are none yet.
  mutating func addAll(checkpoint: () throws -> Void) throws {
    let ids = try storage.ids()
    var members: [UInt32: [UInt64]] = [:]
    if isFlat {
      members[VectorList.flat] = ids
    } else {
      for first in stride(from: 0, to: ids.count, by: Self.batch) {
        try checkpoint()
        let part = ids[first...].prefix(Self.batch)
        let rows = nearestRows(of: matrix(try stored(part)), among: try centroidMatrix()).rows
        for (id, row) in zip(part, rows) {
          members[VectorList.number(ofRow: row), default: []].append(id)
        }
      }
    }
    for (list, ids) in members.sorted(by: { $0.key < $1.key }) {
      try checkpoint()
      for first in stride(from: 0, to: ids.count, by: Self.batch) {
        try add(stored(ids[first...].prefix(Self.batch)), to: list)
      }
    }
    try divideLongLists()
  }

  /// Writes what has become of the lists; an index without vectors leaves nothing.
  mutating func finish() throws {
    guard lists.values.contains(where: { $0.count > 0 }) else { return try storage.removeIndex() }
    try storage.put(locations: locations.map { ($0, $1) }.sorted { $0.id < $1.id })
    for list in changed.sorted() { try storage.put(lists[list]!, number: list) }
    guard hasNewCentroids else { return }
    try storage.put(centroidCodes: CentroidCodes.encode(try centroidMatrix()))
  }

  /// Takes vectors out of a block; returns the ids of the others where it was dissolved.
  private mutating func take(_ ids: Set<UInt64>, from location: VectorLocation) throws -> [UInt64] {
    guard let list = lists[location.list], let bytes = try storage.block(at: location) else {
      throw damaged("there is no block \(location.block) of list \(location.list)")
    }
    let held = try VectorBlock.count(of: bytes.span.bytes)
    let block = try VectorBlock.removing(ids, from: bytes.span.bytes)
    let rest = try VectorBlock.ids(of: block.span.bytes)
    guard held - rest.count == ids.count, Int(list.count) >= held else {
      throw damaged("block \(location.block) of list \(location.list) lacks vectors")
    }
    let isDissolved =
      rest.count * Self.leastPart < VectorBlock.capacity && location.block != list.lastBlock
    try storage.put(block: isDissolved || rest.isEmpty ? nil : block, at: location)
    lists[location.list]!.count -= UInt32(isDissolved ? held : ids.count)
    changed.insert(location.list)
    return isDissolved ? rest : []
  }

  /// Puts vectors into the last block of a list as long as it has space, then into new ones.
  private mutating func add(_ members: Members, to list: UInt32) throws {
    guard var record = lists[list] else { throw damaged("there is no list \(list)") }
    let centroid = record.centroid.isEmpty ? nil : record.centroid
    var first = 0
    while first < members.ids.count {
      let location = VectorLocation(list: list, block: record.lastBlock)
      let last = try storage.block(at: location)
      let held = try last.map { try VectorBlock.count(of: $0.span.bytes) } ?? 0
      let added = first..<min(first + max(0, VectorBlock.capacity - held), members.ids.count)
      if !added.isEmpty {
        let (ids, numbers) = members[added, of: storage.dimension]
        let block =
          try last.map {
            try VectorBlock.appending(
              ids: ids, vectors: numbers, centroid: centroid, to: $0.span.bytes)
          }
          ?? VectorBlock.encode(
            ids: ids, vectors: numbers, dimension: storage.dimension, centroid: centroid)
        try storage.put(block: block, at: location)
        for id in ids { locations[id] = location }
      }
      first = added.upperBound
      if first < members.ids.count {
        guard record.lastBlock < .max else { throw damaged("list \(list) is full") }
        record.lastBlock += 1
      }
    }
    let (count, overflow) = record.count.addingReportingOverflow(UInt32(members.ids.count))
    guard !overflow else { throw damaged("list \(list) has \(record.count) vectors") }
    record.count = count
    lists[list] = record
    changed.insert(list)
  }

  /// Divides lists that hold far more than their share would be in a new index.
  private mutating func divideLongLists() throws {
    guard !isFlat else { return }
    let total = lists.values.reduce(0) { $0 + Int($1.count) }
    let share = max(lists.count, ListDivision.listCount(for: total))
    var due = changed.sorted()
    while let list = due.popLast() {
      guard ListDivision.isDue(Int(lists[list]!.count), lists: share, total: total) else {
        continue
      }
      let second = VectorList.number(ofRow: lists.count)
      let members = try takeAll(of: list)
      var random = SplitMix64(seed: UInt64(list) << 32 | UInt64(members.ids.count))
      let division = ListDivision(matrix(members), using: &random)
      for (side, list) in [list, second].enumerated() {
        lists[list] = VectorList(centroid: division.centres[row: side])
        let rows = division.sides.indices.filter { division.sides[$0] == side }
        try add(members.rows(rows, of: storage.dimension), to: list)
      }
      due += [list, second]
      (centroids, hasNewCentroids) = (nil, true)
    }
  }

  /// Takes all blocks of a list away, and returns its vectors.
  private func takeAll(of list: UInt32) throws -> Members {
    var ids: [UInt64] = []
    for block in try storage.blocks(of: list) {
      try VectorBlock.verify(block.span.bytes)
      ids += try VectorBlock.ids(of: block.span.bytes)
    }
    guard ids.count == lists[list]!.count else {
      throw damaged("list \(list) holds \(ids.count) vectors where \(lists[list]!.count) belong")
    }
    try storage.removeBlocks(of: list)
    return try stored(ids)
  }

  /// Vectors by the list that they belong to.
  private mutating func divided(_ members: Members) throws -> [UInt32: Members] {
    guard !members.ids.isEmpty else { return [:] }
    guard !isFlat else { return [VectorList.flat: members] }
    let nearest = nearestRows(of: matrix(members), among: try centroidMatrix()).rows
    return Dictionary(grouping: nearest.indices, by: { VectorList.number(ofRow: nearest[$0]) })
      .mapValues { members.rows($0, of: storage.dimension) }
  }

  private mutating func centroidMatrix() throws -> Matrix {
    if let centroids { return centroids }
    let matrix = try VectorList.centroids(of: lists, dimension: storage.dimension)
    centroids = matrix
    return matrix
  }

  private func stored(_ ids: some Sequence<UInt64>) throws -> Members {
    var members = Members(ids: Array(ids), numbers: [])
    members.numbers.reserveCapacity(members.ids.count * storage.dimension)
    try storage.appendVectors(of: members.ids, to: &members.numbers)
    return members
  }

  private func matrix(_ members: Members) -> Matrix {
    Matrix(rows: members.ids.count, columns: storage.dimension, values: members.numbers)
  }

  private func damaged(_ reason: String) -> VectorError { VectorError(description: reason) }
}

/// Vectors and their ids, one after the other.
private struct Members {
  var ids: [UInt64] = []
  var numbers: [Float] = []

  subscript(range: Range<Int>, of dimension: Int) -> (ids: [UInt64], numbers: [Float]) {
    guard range.count < ids.count else { return (ids, numbers) }
    return (
      Array(ids[range]),
      Array(numbers[range.lowerBound * dimension..<range.upperBound * dimension])
    )
  }

  func rows(_ rows: [Int], of dimension: Int) -> Members {
    var members = Members()
    members.ids.reserveCapacity(rows.count)
    members.numbers.reserveCapacity(rows.count * dimension)
    for row in rows {
      members.ids.append(ids[row])
      members.numbers += numbers[row * dimension..<(row + 1) * dimension]
    }
    return members
  }

  mutating func append(_ other: Members) {
    ids += other.ids
    numbers += other.numbers
  }
}

extension VectorList {
  /// The centroids of all lists, one a row. Throws where a list is missing.
  public static func centroids(of lists: [UInt32: VectorList], dimension: Int) throws(VectorError)
    -> Matrix
  {
    var values: [Float] = []
    values.reserveCapacity(lists.count * dimension)
    for row in 0..<lists.count {
      guard let list = lists[number(ofRow: row)], list.centroid.count == dimension else {
        throw VectorError(description: "there is no list \(number(ofRow: row))")
      }
      values += list.centroid
    }
    return Matrix(rows: lists.count, columns: dimension, values: values)
  }
}
