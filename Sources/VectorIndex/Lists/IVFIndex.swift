public import Tensors

/// An inverted file in memory: vectors in the lists of their nearest centroids, found by probing the
/// lists nearest to a query. What a table of blocks does on disk this does with arrays.
///
/// ```swift
/// var index = try IVFIndex(ids: ids, vectors: vectors)
/// try index.add([7], [vector])
/// let nearest = try index.search(for: query, count: 10)
/// ```
public struct IVFIndex: Sendable {
  /// The lists' centroids.
  public private(set) var centroids: Centroids
  /// How many vectors each list holds.
  public private(set) var sizes: [Int]
  /// What was measured when the index was built, and which probes a search takes.
  public private(set) var calibration: ProbeCalibration.Result
  private var lists: [[[UInt8]]]
  private var places: [UInt64: Place] = [:]
  private var vectors: VectorRows
  private var random: SplitMix64

  private struct Place {
    var list: UInt32
    var row: UInt32
  }

  /// Makes the lists of the rows of `vectors`, at least one.
  /// - Parameters:
  ///   - lists: How many; `Centroids.listCount(for:)` where none is given.
  ///   - recall: Of the 10 nearest, what the probes are to find, measured on held-out vectors.
  ///   - seed: The same seed makes the same lists.
  public init(
    ids: [UInt64], vectors: Matrix, lists: Int? = nil, recall: Double = 0.99, seed: UInt64 = 1
  ) throws(VectorError) {
    precondition(ids.count == vectors.rows && !ids.isEmpty && Set(ids).count == ids.count)
    var random = SplitMix64(seed: seed)
    var division = ListsOfVectors(
      vectors, lists: lists ?? Centroids.listCount(for: ids.count), using: &random)
    division.divideLongLists(of: vectors, using: &random)
    centroids = try Centroids(division.centroids)
    sizes = division.members.map(\.count)
    self.lists = []
    self.vectors = VectorRows(vectors)
    self.random = random
    calibration = ProbeCalibration.Result(probes: .all, recall: 1, lists: 0, vectors: 0)
    places.reserveCapacity(ids.count)
    for (list, members) in division.members.enumerated() {
      for row in members {
        places[ids[row]] = Place(list: UInt32(list), row: UInt32(row))
      }
      self.lists.append(
        try Self.blocks(
          members.map { ids[$0] }, vectors.rows(members), Array(division.centroids[row: list])))
    }
    calibration = try calibrated(ids, vectors, division, recall)
  }

  /// Held-out queries whose neighbours are found exactly: as many again halve the error of a recall
  /// of 0.99 from 0.002 to 0.0014, and cost a product with all vectors.
  private static let heldOut = 500

  private mutating func calibrated(
    _ ids: [UInt64], _ vectors: Matrix, _ division: ListsOfVectors, _ recall: Double
  ) throws(VectorError) -> ProbeCalibration.Result {
    let queries = SplitMix64.sample(Self.heldOut, below: ids.count, using: &random)
    var calibration = ProbeCalibration(
      queries: vectors.rows(queries), ids: queries.map { ids[$0] })
    for start in stride(from: 0, to: ids.count, by: 4096) {
      let rows = start..<min(start + 4096, ids.count)
      calibration.visit(
        Array(ids[rows]), vectors.rows(rows), lists: Array(division.listOfRow[rows]))
    }
    return try calibration.probes(of: centroids, recall: recall)
  }

  private static func blocks(_ ids: [UInt64], _ vectors: Matrix, _ centroid: [Float])
    throws(VectorError) -> [[UInt8]]
  {
    var blocks: [[UInt8]] = []
    for start in stride(from: 0, to: ids.count, by: VectorBlock.capacity) {
      let rows = start..<min(start + VectorBlock.capacity, ids.count)
      blocks.append(
        try VectorBlock.encode(
          ids: Array(ids[rows]), vectors: vectors.rows(rows).values, dimension: vectors.columns,
          centroid: centroid))
    }
    return blocks
  }
}

extension IVFIndex {
  /// How many vectors it holds.
  public var count: Int { places.count }

  /// Bytes of its blocks, without the vectors themselves.
  public var codeBytes: Int { lists.reduce(0) { $1.reduce($0) { $0 + $1.count } } }

  /// The ids of a list's vectors, in their order.
  public func ids(ofList list: Int) throws(VectorError) -> [UInt64] {
    var ids: [UInt64] = []
    for block in lists[list] { ids += try VectorBlock.ids(of: block.span.bytes) }
    return ids
  }

  // MARK: - Search

  /// The `count` nearest of the vectors in the lists that are probed, with their exact scores; more
  /// lists are, as long as these do not hold so many.
  /// - Parameters:
  ///   - probes: Those of the calibration where none are given.
  ///   - isIncluded: Which vectors may be found.
  public func search(
    for query: [Float], count: Int, probes: Probes? = nil,
    where isIncluded: (@Sendable (UInt64) -> Bool)? = nil
  ) throws -> [Candidate] {
    let prepared = try PreparedQuery(query)
    var scan = BlockScan(prepared, count: count, bound: .probable, where: isIncluded)
    let probed = try centroids.lists(near: prepared, probes ?? calibration.probes)
    try visit(probed[...], &scan)
    let wanted = min(count, self.count)
    if scan.foundCount < wanted {
      let all = try centroids.lists(near: prepared, .all)
      try scan.goOn(through: all[probed.count...], until: wanted) { try visit($0, &$1) }
    }
    return try scan.finish { id in
      guard let place = places[id] else {
        throw VectorError(description: "vector \(id) is in a list and nowhere else")
      }
      return try vectors.withBytes(ofRow: Int(place.row)) { try exactScore(query, $0) }
    }
  }

  private func visit(_ probed: ArraySlice<(list: Int, score: Double)>, _ scan: inout BlockScan)
    throws(VectorError)
  {
    // The blocks stay where they are while the scan goes over them.
    try withExtendedLifetime(lists) { () throws(VectorError) in
      var blocks: [ProbedBlock] = []
      blocks.reserveCapacity(probed.count)
      for (list, score) in probed {
        for block in lists[list] {
          blocks.append(
            ProbedBlock(
              block.withUnsafeBytes { StoredBlock(unsafeBytes: $0) }, centroidScore: score))
        }
      }
      try scan.visit(blocks)
    }
  }

  // MARK: - Changes

  /// Adds vectors, one a row, to the lists of their nearest centroids. Ids must be new.
  public mutating func add(_ ids: [UInt64], _ added: Matrix) throws(VectorError) {
    precondition(ids.count == added.rows && ids.allSatisfy { places[$0] == nil })
    precondition(added.columns == centroids.values.columns, "vectors of another dimension")
    let nearest = nearestRows(of: added, among: centroids.values).rows
    for (list, rows) in Dictionary(grouping: ids.indices, by: { nearest[$0] })
      .sorted(by: { $0.key < $1.key })
    {
      try append(rows.map { ids[$0] }, added.rows(rows).values, to: list)
      for row in rows {
        places[ids[row]] = Place(
          list: UInt32(list), row: UInt32(vectors.store(added[row: row])))
      }
      sizes[list] += rows.count
    }
    try divideLongLists(of: Set(nearest).sorted())
  }

  private mutating func append(_ ids: [UInt64], _ added: [Float], to list: Int)
    throws(VectorError)
  {
    let centroid = Array(centroids.values[row: list])
    if let last = lists[list].last,
      try VectorBlock.ids(of: last.span.bytes).count + ids.count <= VectorBlock.capacity
    {
      lists[list][lists[list].count - 1] = try VectorBlock.appending(
        ids: ids, vectors: added, centroid: centroid, to: last.span.bytes)
    } else {
      lists[list] += try Self.blocks(
        ids, Matrix(rows: ids.count, columns: centroid.count, values: added), centroid)
    }
  }

  /// Takes vectors out of their blocks. Those it does not hold do not matter.
  public mutating func remove(_ ids: [UInt64]) throws(VectorError) {
    let held = Set(ids).compactMap { id in places[id].map { (id: id, place: $0) } }
    for (list, removed) in Dictionary(grouping: held, by: { Int($0.place.list) }) {
      let removedIDs = Set(removed.map(\.id))
      var blocks: [[UInt8]] = []
      for block in lists[list] {
        let ids = try VectorBlock.ids(of: block.span.bytes)
        let kept = ids.count { !removedIDs.contains($0) }
        if kept == ids.count {
          blocks.append(block)
        } else if kept > 0 {
          blocks.append(try VectorBlock.removing(removedIDs, from: block.span.bytes))
        }
      }
      lists[list] = blocks
      sizes[list] -= removed.count
      for (id, place) in removed {
        vectors.free(row: Int(place.row))
        places[id] = nil
      }
    }
  }

  /// Divides those of the lists that have grown far beyond their share.
  private mutating func divideLongLists(of changed: [Int]) throws(VectorError) {
    let dimension = centroids.values.columns
    var values = centroids.values
    for list in changed where ListDivision.isDue(sizes[list], lists: lists.count, total: count) {
      let ids = try ids(ofList: list)
      let rows = ids.flatMap { vectors[row: Int(places[$0]!.row)] }
      let members = Matrix(rows: ids.count, columns: dimension, values: rows)
      let division = ListDivision(members, using: &random)
      values = values.dividing(list, into: division.centres)
      lists.append([])
      sizes.append(0)
      for (side, list) in [list, lists.count - 1].enumerated() {
        let its = ids.indices.filter { division.sides[$0] == side }
        lists[list] = try Self.blocks(
          its.map { ids[$0] }, members.rows(its), Array(division.centres[row: side]))
        sizes[list] = its.count
        for index in its { places[ids[index]]!.list = UInt32(list) }
      }
    }
    if values.rows > centroids.count { centroids = try Centroids(values) }
  }
}
