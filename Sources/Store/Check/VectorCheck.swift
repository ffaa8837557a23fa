internal import LMDB
internal import Tensors
internal import VectorIndex

extension IndexTables {
  /// Goes through the vector index: lists, blocks, codes and places against the embeddings.
  func checkVectors<T: Transaction & ~Copyable>(
    _ sound: ValidRecords, _ findings: Findings, in transaction: borrowing T
  ) throws {
    // An index of the first format has none and does not need one.
    guard let vectors else { return }
    var check = VectorCheck(tables: vectors, findings: findings, embedded: sound.embedded)
    try check.readLists(in: transaction)
    try check.readBlocks(in: transaction) { space, id in
      // Damaged embeddings were reported already.
      try? embeddings(of: space).get(id, in: transaction)
    }
    check.compareCounts()
    try check.readLocations(in: transaction)
  }
}

/// One way through the tables of the vector index. All of it can be made anew from the embeddings.
private struct VectorCheck {
  let tables: VectorTables
  let findings: Findings
  /// The ids that have an embedding, and should be in a block.
  let embedded: [VectorSpace: Set<UInt64>]

  private var lists: [VectorSpace: [UInt32: VectorList]] = [:]
  private var held: [VectorSpace: [UInt32: Int]] = [:]
  private var seen: [VectorSpace: Set<UInt64>] = [:]
  private var hasCodes: Set<VectorSpace> = []

  init(tables: VectorTables, findings: Findings, embedded: [VectorSpace: Set<UInt64>]) {
    (self.tables, self.findings, self.embedded) = (tables, findings, embedded)
  }

  /// The records of all lists.
  mutating func readLists<T: Transaction & ~Copyable>(in transaction: borrowing T) throws {
    let name = tables.centroids.name
    try findings.scan(tables.centroids, in: transaction) { key, value in
      guard let (space, list) = decode(ListKeyCodec.self, key.span.bytes, name, of: "a key"),
        let record = decode(ListCodec.self, value, name, of: "list \(list) of \(space)")
      else { return }
      let size = list == VectorList.flat ? 0 : tables.dimension
      guard record.centroid.count == size, record.centroid.allSatisfy(\.isFinite) else {
        return add(name, "list \(list) of \(space) has no centroid of \(size) finite numbers")
      }
      lists[space, default: [:]][list] = record
    }
    for (space, lists) in lists.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      guard lists[VectorList.flat] == nil else {
        if lists.count > 1 { add(name, "the space \(space) is both flat and in lists") }
        continue
      }
      for row in 0..<lists.count where lists[VectorList.number(ofRow: row)] == nil {
        add(name, "there is no list \(VectorList.number(ofRow: row)) of \(space)")
      }
    }
  }

  /// All blocks and what is in them; `vector` tells the numbers of an id, nil where they are not known.
  mutating func readBlocks<T: Transaction & ~Copyable>(
    in transaction: borrowing T, vector: (VectorSpace, UInt64) -> [Float]?
  ) throws {
    let name = tables.lists.name
    try findings.scan(tables.lists, in: transaction) { key, block in
      guard let key = decode(BlockKeyCodec.self, key.span.bytes, name, of: "a key") else { return }
      do {
        if let space = VectorSpace.allCases.first(where: {
          $0 != key.space && $0.ofLists == key.space
        }), key.space == .pictureLists || key.space == .textLists {
          return try readCodes(of: space, key, block)
        }
        try readBlock(key, block, in: transaction) { vector(key.space, $0) }
      } catch let error as VectorError {
        add(name, "\(shown(key)) is \(error)")
      }
    }
  }

  private mutating func readBlock<T: Transaction & ~Copyable>(
    _ key: BlockKey, _ block: RawSpan, in transaction: borrowing T, vector: (UInt64) -> [Float]?
  ) throws {
    let name = tables.lists.name
    guard let list = lists[key.space]?[key.list], key.block <= list.lastBlock else {
      return add(name, "\(shown(key)) belongs to nothing")
    }
    try VectorBlock.verify(block)
    let ids = try VectorBlock.ids(of: block)
    held[key.space, default: [:]][key.list, default: 0] += ids.count
    for id in ids {
      guard embedded[key.space]?.contains(id) == true else {
        add(name, "\(shown(key)) holds vector \(id), which has no embedding")
        continue
      }
      guard seen[key.space, default: []].insert(id).inserted else {
        add(name, "\(shown(key)) holds vector \(id), which is there twice")
        continue
      }
      let place = try tables.locations.raw.get(
        VectorKeyCodec.encode((key.space, id)), in: transaction)
      let expected = LocationCodec.encode(VectorLocation(list: key.list, block: key.block))
      if place != expected {
        add(
          tables.locations.name, "no row says that vector \(id) of \(key.space) is in \(shown(key))"
        )
      }
    }
    let centroid = list.centroid.isEmpty ? nil : list.centroid
    for id in try VectorBlock.misfits(in: block, centroid: centroid, vector: vector) {
      add(name, "\(shown(key)) holds a code that is not of its vector (\(id))")
    }
  }

  /// The codes of the centroids of a space.
  private mutating func readCodes(of space: VectorSpace, _ key: BlockKey, _ codes: RawSpan) throws {
    let name = tables.lists.name
    guard let lists = lists[space], lists[VectorList.flat] == nil, key.list == 0,
      key.block == 0
    else { return add(name, "\(shown(key)) belongs to nothing") }
    hasCodes.insert(space)
    // Without one of its lists a space has no matrix of them; that was reported already.
    guard let centroids = try? VectorList.centroids(of: lists, dimension: tables.dimension) else {
      return
    }
    for row in try CentroidCodes.misfits(in: codes, centroids: centroids) {
      add(name, "a code that is not of its centroid (\(row) of \(space))")
    }
  }

  /// Lists hold what they say, and all together every vector.
  func compareCounts() {
    for space in [VectorSpace.pictures, .texts] {
      for (list, record) in (lists[space] ?? [:]).sorted(by: { $0.key < $1.key }) {
        let held = held[space]?[list] ?? 0
        if held != record.count {
          add(
            tables.lists.name,
            "list \(list) of \(space) holds \(held) vectors where \(record.count) belong")
        }
      }
      if let lists = lists[space], lists[VectorList.flat] == nil, !hasCodes.contains(space) {
        add(tables.lists.name, "there are no codes of the centroids of \(space)")
      }
      for id in (embedded[space] ?? []).subtracting(seen[space] ?? []).sorted() {
        add(tables.lists.name, "vector \(id) of \(space) is in no list")
      }
    }
  }

  /// Places of vectors that are nowhere; those of the others were looked at with their blocks.
  func readLocations<T: Transaction & ~Copyable>(in transaction: borrowing T) throws {
    let name = tables.locations.name
    try findings.scan(tables.locations, in: transaction) { key, value in
      guard let (space, id) = decode(VectorKeyCodec.self, key.span.bytes, name, of: "a key"),
        decode(LocationCodec.self, value, name, of: "the place of vector \(id)") != nil
      else { return }
      if seen[space]?.contains(id) != true {
        add(name, "a place of vector \(id) of \(space), which is in no block")
      }
    }
  }

  private func add(_ table: String, _ what: @autoclosure () -> String) {
    findings.add(table, .rebuild, what())
  }

  private func decode<C: Codec>(
    _ codec: C.Type, _ bytes: RawSpan, _ table: String, of what: @autoclosure () -> String
  ) -> C.Value? {
    findings.decode(codec, bytes, table, .rebuild, of: what())
  }

  private func shown(_ key: BlockKey) -> String {
    "block \(key.block) of list \(key.list) of \(key.space)"
  }
}
