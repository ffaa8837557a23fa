internal import Tensors

/// What a search asks of an index beside the query.
public struct VectorSearchOptions: Sendable {
  /// Neighbors wanted.
  public var count: Int
  /// Whether all vectors are scanned, so that the answer is exact.
  public var isExact: Bool
  /// Which lists are probed; nil takes what was measured for the index's recall.
  public var probes: Probes?
  /// The vectors that may be found; nil: all.
  public var ids: Set<UInt64>?

  /// The `count` nearest of all vectors as the index is meant to be searched, unless said otherwise.
  public init(
    count: Int, isExact: Bool = false, probes: Probes? = nil, among ids: Set<UInt64>? = nil
  ) {
    (self.count, self.isExact, self.probes, self.ids) = (count, isExact, probes, ids)
  }
}

extension VectorSource {
  /// The vectors with the greatest dot product with `query`, best first, the smaller id first among
  /// equals; as many as there are, up to the count that is asked for.
  ///
  /// Exact where that is asked for, where the index is flat, and where the ids that may be found are few.
  /// Throws a `VectorError` for a query of another dimension or with numbers that are not finite, and
  /// for damage.
  public func nearest(to query: [Float], _ options: VectorSearchOptions) throws -> [Neighbor] {
    try VectorSearch(self, options)?.nearest(to: query, isDivided: true) ?? []
  }

  /// The same for many queries together, an answer each: an exact search reads a block once for many
  /// of them, and the queries are divided among as many threads as operations may use.
  public func nearest(to queries: [[Float]], _ options: VectorSearchOptions) throws -> [[Neighbor]]
  {
    try VectorSearch(self, options)?.nearest(to: queries) ?? queries.map { _ in [] }
  }
}

/// Searches of one index by the same options.
private struct VectorSearch<Source: VectorSource> {
  /// So few vectors are scored one by one, which is exact and costs no more than the scan of some lists.
  private static var few: Int { 4096 }

  let source: Source
  let options: VectorSearchOptions
  let contents: VectorContents
  /// The lists that a query probes; nil where it scans all.
  private let probes: Probes?
  /// Nil where the index is flat.
  private let centroids: CentroidCodes?

  /// Nil where there is nothing to find.
  init?(_ source: Source, _ options: VectorSearchOptions) throws {
    (self.source, self.options) = (source, options)
    contents = try source.contents()
    guard contents.count > 0 else { return nil }
    centroids = contents.isFlat ? nil : try source.centroidCodes()
    probes = contents.isFlat || options.isExact ? nil : options.probes ?? contents.probes
  }

  func nearest(to query: [Float], isDivided: Bool) throws -> [Neighbor] {
    let query = try PreparedQuery(query)
    try query.expects(source.dimension)
    if let ids = options.ids, ids.count <= Self.few { return try scored(query, ids) }
    var scan = newScan(query)
    if let probes {
      try probe(probes, &scan, isDivided: isDivided)
    } else {
      let numbers = centroids.map { all($0.lists(near: query, .all)) } ?? [VectorList.flat]
      try scan.visit(source.lists(numbers), isDivided: isDivided)
    }
    return try finish(scan)
  }

  func nearest(to queries: [[Float]]) throws -> [[Neighbor]] {
    let isShared =
      probes == nil && queries.count >= BlockScan.fewest
      && options.ids.map { $0.count > Self.few } ?? true
    guard isShared else {
      return try inParallel(queries.count) { try nearest(to: queries[$0], isDivided: false) }
    }
    let queries = try queries.map { query in
      let query = try PreparedQuery(query)
      try query.expects(source.dimension)
      return query
    }
    var scans = queries.map { newScan($0) }
    let numbers = centroids.map { all(Array(0..<$0.count)) } ?? [VectorList.flat]
    try BlockScan.visit(source.lists(numbers), with: &scans)
    return try inParallel(scans.count) { [scans] in try finish(scans[$0]) }
  }

  private func all(_ rows: [Int]) -> [UInt32] { rows.map { VectorList.number(ofRow: $0) } }

  private func newScan(_ query: PreparedQuery) -> BlockScan {
    let bound = probes == nil ? ScoreBound.proven : .probable
    guard let ids = options.ids else {
      return BlockScan(query, count: options.count, bound: bound)
    }
    return BlockScan(query, count: options.count, bound: bound, where: { ids.contains($0) })
  }

  /// Scans the lists that the query probes, and more as long as these do not hold as many vectors as are
  /// wanted.
  private func probe(_ probes: Probes, _ scan: inout BlockScan, isDivided: Bool) throws {
    guard let centroids else { return }
    var lists = centroids.lists(near: scan.query, probes)
    var probed = lists.count
    if let ids = options.ids {
      // A filter thins the lists out: as many vectors that pass it are scanned as without one.
      lists = centroids.lists(near: scan.query, .all)
      probed = min(probed * max(1, contents.count / ids.count), lists.count)
    }
    try scan.visit(source.lists(all(Array(lists[..<probed]))), isDivided: isDivided)
    guard scan.foundCount < options.count, probed < centroids.count else { return }
    var rest = centroids.lists(near: scan.query, .all)[probed...]
    while scan.foundCount < options.count, !rest.isEmpty {
      // Twice as many each time as there were before.
      let next = rest.prefix(rest.startIndex + 1)
      try scan.visit(source.lists(all(Array(next))), isDivided: isDivided)
      rest = rest.dropFirst(next.count)
    }
  }

  private func finish(_ scan: BlockScan) throws -> [Neighbor] {
    try scan.finish { ids in
      let vectors = try source.vectors(ids)
      return try zip(ids, vectors).enumerated().map { index, found in
        if index + 2 < vectors.count { vectors[index + 2]?.prefetch() }
        guard let vector = found.1 else {
          throw VectorError(description: "vector \(found.0) has a code and no numbers")
        }
        return try exactScore(scan.query.numbers, vector.bytes)
      }
    }
  }

  /// The nearest of some ids by their vectors alone.
  private func scored(_ query: PreparedQuery, _ ids: Set<UInt64>) throws -> [Neighbor] {
    var best = TopK(capacity: options.count)
    let ids = ids.sorted()
    for (id, vector) in zip(ids, try source.vectors(ids)) {
      guard let vector else { continue }
      best.insert(Neighbor(id: id, score: try exactScore(query.numbers, vector.bytes)))
    }
    return best.sorted()
  }

  /// The results of `body` for 0..<count, on as many threads as operations may use.
  private func inParallel<Result>(_ count: Int, _ body: (Int) throws -> Result) throws -> [Result] {
    var results = [Swift.Result<Result, any Error>?](repeating: nil, count: count)
    results.withUnsafeMutableBufferPointer { results in
      Tensors.inParallel(rows: count, operations: count * Self.operations) { range in
        for index in range { results[index] = Swift.Result { try body(index) } }
      }
    }
    return try results.map { try $0!.get() }
  }

  /// As many multiplications as a search costs at least.
  private static var operations: Int { 100_000 }
}
