/// How far the score by a code may be from the true one.
public enum ScoreBound: Sendable {
  /// As far as Cauchy–Schwarz allows: nothing among the best can be missed.
  case proven
  /// A few standard deviations of an error that points anywhere; for lists, which miss some anyway.
  case probable

  /// Standard deviations of `probable`.
  static let deviations = 4.0

  /// What the product of two lengths is multiplied by.
  func share(_ dimension: Int) -> Double {
    switch self {
    case .proven: 1
    case .probable: min(1, Self.deviations / Double(dimension).squareRoot())
    }
  }
}

/// One query's search through blocks: every block is shown to it once, where it lies, and what may be
/// among the best is kept. A filter decides inside the scan, so that a filtered search returns as many
/// as there are.
///
/// ```swift
/// var scan = BlockScan(try PreparedQuery(query), count: 10)
/// for block in blocks { try scan.visit(block.span.bytes) }
/// let nearest = try scan.finish { id in try exactScore(query, vector(id)) }
/// ```
public struct BlockScan: Sendable {
  /// What may be among the best.
  private struct Survivor {
    var id: UInt64
    var estimate: Double
    var upperBound: Double
    /// As far as the estimate can be from the true score, whatever bound is searched by.
    var doubt: Double
  }

  /// The query.
  public let query: PreparedQuery
  private let bound: ScoreBound
  private let isIncluded: (@Sendable (UInt64) -> Bool)?
  private var survivors: [Survivor] = []
  /// With more of them those that are ruled out by now are dropped.
  private var mostSurvivors = 256
  /// The best lower bounds, and what at least `count` vectors are known to reach.
  private var lowerBounds: TopK
  private var floor = -Double.infinity
  private var buffer = ScanBuffer()

  /// A search for the `count` vectors with the greatest dot product with `query`, among those that
  /// `isIncluded` lets in.
  public init(
    _ query: PreparedQuery, count: Int, bound: ScoreBound = .proven,
    where isIncluded: (@Sendable (UInt64) -> Bool)? = nil
  ) {
    self.query = query
    self.bound = bound
    self.isIncluded = isIncluded
    lowerBounds = TopK(capacity: count)
    if count == 0 { floor = .infinity }
  }

  /// Shows a block. `centroidScore` is ⟨query, centroid⟩ of the centroid that the block was made with,
  /// summed in double. Throws where the block is damaged or its vectors have another dimension.
  public mutating func visit(_ block: RawSpan, centroidScore: Double = 0) throws(VectorError) {
    try block.withUnsafeBytes { bytes throws(VectorError) in
      try visit(BlockView(bytes), centroidScore)
    }
  }

  /// What is scanned `next` is fetched meanwhile.
  mutating func visit(_ block: BlockView, _ centroidScore: Double, next: UnsafeRawPointer? = nil)
    throws(VectorError)
  {
    try query.expects(block.dimension)
    var buffer = ScanBuffer()
    swap(&buffer, &self.buffer)
    defer { swap(&buffer, &self.buffer) }
    let bounds = bounds(block)
    block.scan(query, filter(bounds, centroidScore), &buffer, next: next)
    try keep(buffer.count(0), from: block, bounds, centroidScore) { position in
      let (index, score) = buffer.match(0, position)
      return Match(
        index: index, score: score, codeError: Double(block.fineError(index).value))
    }
  }

  /// The bounds of a scan of the block, with the query rounded as it is or with another error.
  func bounds(_ block: BlockView, roundingError: Double? = nil) -> BlockBounds {
    BlockBounds(
      block, norm: query.norm, roundingError: roundingError ?? query.roundingError, bound)
  }

  /// What a block's codes have to reach for a closer look.
  func filter(_ bounds: BlockBounds, _ centroidScore: Double) -> ScoreFilter {
    ScoreFilter(
      reach: Float(bounds.reach).nextUp,
      limit: Float(floor - centroidScore - bounds.slack).nextDown)
  }

  /// Keeps what the codes of a block did not rule out.
  mutating func keep(
    _ count: Int, from block: BlockView, _ bounds: BlockBounds, _ centroidScore: Double,
    _ match: (Int) -> Match
  ) throws(VectorError) {
    guard count > 0 else { return }
    if lowerBounds.worst == nil {
      try raiseFloor(count, from: block, bounds, centroidScore, match)
    }
    for position in 0..<count {
      let found = match(position)
      let error = bounds.error(found.codeError)
      guard !(centroidScore + found.score + error < floor) else { continue }
      let id = block.id(found.index)
      if let isIncluded, !isIncluded(id) { continue }
      let estimate = centroidScore + block.fineScore(found.index, query)
      let fineError = Double(block.fineError(found.index).value)
      let exactness = fineError * bounds.reach + bounds.rounding
      guard error.isFinite, estimate.isFinite, exactness.isFinite, error >= 0, exactness >= 0 else {
        throw VectorError(description: "a block with an invalid vector (id \(id))")
      }
      guard estimate + exactness >= floor else { continue }
      survivors.append(
        Survivor(
          id: id, estimate: estimate, upperBound: estimate + exactness,
          doubt: bounds.doubt(fineError)))
      lowerBounds.insert(Neighbor(id: id, score: estimate - exactness))
      if let worst = lowerBounds.worst { floor = max(floor, worst.score) }
    }
    if survivors.count > mostSurvivors {
      survivors.removeAll { $0.upperBound < floor }
      mostSurvivors = max(mostSurvivors, 2 * survivors.count)
    }
  }

  /// While fewer than are wanted are known, the codes tell what the best of a block reach at least.
  private mutating func raiseFloor(
    _ count: Int, from block: BlockView, _ bounds: BlockBounds, _ centroidScore: Double,
    _ match: (Int) -> Match
  ) throws(VectorError) {
    var least = lowerBounds
    for position in 0..<count {
      let found = match(position)
      let id = block.id(found.index)
      if let isIncluded, !isIncluded(id) { continue }
      let score = centroidScore + found.score - bounds.error(found.codeError)
      guard score.isFinite else {
        throw VectorError(description: "a block with an invalid vector (id \(id))")
      }
      least.insert(Neighbor(id: id, score: score))
    }
    if let worst = least.worst { floor = max(floor, worst.score) }
  }

  /// A scan of the same query that has found nothing yet, and knows what is to be reached.
  func emptied() -> BlockScan {
    var scan = BlockScan(query, count: lowerBounds.capacity, bound: bound, where: isIncluded)
    scan.floor = floor
    return scan
  }

  /// Takes over what another scan of the same query, over other blocks, has found.
  public mutating func merge(_ other: BlockScan) {
    survivors += other.survivors
    for neighbor in other.lowerBounds.sorted() { lowerBounds.insert(neighbor) }
    floor = max(floor, other.floor)
    if let worst = lowerBounds.worst { floor = max(floor, worst.score) }
    survivors.removeAll { $0.upperBound < floor }
  }

  /// How many of the wanted vectors there are among those that were seen.
  public var foundCount: Int { lowerBounds.count }

  /// The best with their true scores, best first, the smaller id first among equals.
  ///
  /// `rescore` tells the true scores (`exactScore`) of vectors that are still in question, of the likeliest
  /// first and of only a few in all. A score that its code cannot have throws.
  func finish(rescore: ([UInt64]) throws -> [Double]) throws -> [Neighbor] {
    var best = TopK(capacity: lowerBounds.capacity)
    var rest = survivors.filter { $0.upperBound >= floor }
      .sorted { $0.upperBound > $1.upperBound }[...]
    while !rest.isEmpty {
      // Most of the first as many as are wanted are among the best; beyond them few are.
      let part = rest.prefix(best.count == 0 ? best.capacity : Self.rescoredTogether)
        .prefix { survivor in best.worst.map { survivor.upperBound >= $0.score } ?? true }
      guard !part.isEmpty else { break }
      for (survivor, score) in zip(part, try rescore(part.map(\.id))) {
        guard abs(score - survivor.estimate) <= survivor.doubt else {
          throw VectorError(description: "a code that is not of its vector (id \(survivor.id))")
        }
        best.insert(Neighbor(id: survivor.id, score: score))
      }
      rest = rest.dropFirst(part.count)
    }
    return best.sorted()
  }

  private static let rescoredTogether = 4

  /// As above, with the score of one vector at a time.
  public func finish(rescore: (UInt64) throws -> Double) throws -> [Neighbor] {
    try finish { (ids: [UInt64]) in try ids.map(rescore) }
  }
}

/// What the scores of a block's codes can be away from the true ones, by error and by rounding.
struct BlockBounds {
  /// What a code's error is multiplied by.
  let reach: Double
  /// Rounding of floats: a fused multiply-add each number, and then some.
  let rounding: Double
  /// The same with the rounding of the query to fewer bits.
  let slack: Double
  private let norm: Double

  /// `norm` and `roundingError` are the query's.
  init(_ block: BlockView, norm: Double, roundingError: Double, _ bound: ScoreBound) {
    let share = bound.share(block.dimension)
    self.norm = norm * (1 + 1e-6)
    reach = self.norm * share
    rounding =
      Double(2 * block.dimension + 128) * 0x1p-24 * norm * (block.norm + block.centroidNorm)
      + 1e-35
    slack = rounding + roundingError * block.norm * share
  }

  /// As far as a score by a code and a rounded query may be from the true one.
  func error(_ codeError: Double) -> Double { codeError * reach + slack }

  /// As far as a vector's score by its whole code can be from the true one, whatever the bound.
  func doubt(_ codeError: Double) -> Double { codeError * norm + rounding }
}
