import Random
public import Tensors

/// How the vectors of an index are to be indexed.
public struct VectorIndexOptions: Sendable {
  /// From so many vectors on they are divided into lists.
  public static let listsFrom = 1 << 16
  /// The recall that lists are probed for unless another is asked for.
  public static let usualRecall = 0.99

  /// The share of the true nearest that a search of lists is to find; nil keeps what the index has.
  public var recall: Double?
  /// Whether everything is rebuilt from the vectors, whatever state it is in.
  public var isRebuilt: Bool
  /// As `VectorIndexOptions.listsFrom`; tests and measurements set it.
  public var listsFrom: Int

  /// As an indexing run wants it, unless said otherwise.
  public init(
    recall: Double? = nil, isRebuilt: Bool = false,
    listsFrom: Int = VectorIndexOptions.listsFrom
  ) {
    (self.recall, self.isRebuilt, self.listsFrom) = (recall, isRebuilt, listsFrom)
  }
}

/// What was measured of an index's lists, and how they are therefore probed.
public struct ProbeMeasurement: Sendable, Equatable {
  /// The recall that was asked for.
  public var target: Double
  /// The recall that was found with held-out vectors.
  public var recall: Double
  /// Which lists a search probes.
  public var probes: Probes
  /// How many that was, on average.
  public var nprobe: Double
  /// Vectors that there were.
  public var vectors: Int
  /// Lists that there were.
  public var lists: Int

  /// A measurement as it was stored.
  public init(
    target: Double, recall: Double, probes: Probes, nprobe: Double, vectors: Int, lists: Int
  ) {
    (self.target, self.recall, self.probes) = (target, recall, probes)
    (self.nprobe, self.vectors, self.lists) = (nprobe, vectors, lists)
  }
}

/// Work that an index needs.
public enum VectorIndexWork: Sendable, Equatable {
  /// One list of all vectors.
  case makeFlat
  /// Lists by k-means, and their probes measured for a recall.
  case makeLists(recall: Double)
  /// The probes of the lists that there are measured for a recall.
  case measure(recall: Double)

  /// A recall is measured again where so much of what it was measured of has changed.
  private static let drift = 1.3
  /// Lists are made again where there should be so many times as many.
  private static let growth = 2

  /// What an index of `count` vectors in `lists` lists (0: flat) needs; nil where it needs nothing.
  public init?(
    _ options: VectorIndexOptions, recall: Double, count: Int, lists: Int,
    measured: ProbeMeasurement?
  ) {
    // An index about the limit does not alternate.
    let isFlat =
      count < (lists == 0 || options.isRebuilt ? options.listsFrom : options.listsFrom / 4)
    guard !isFlat else {
      guard lists > 0 || options.isRebuilt else { return nil }
      self = .makeFlat
      return
    }
    if options.isRebuilt || lists == 0
      || Self.growth * lists < ListDivision.listCount(for: count)
    {
      self = .makeLists(recall: recall)
      return
    }
    let changes = measured.map { [($0.vectors, count), ($0.lists, lists)] } ?? []
    let hasDrifted = changes.contains { before, now in
      Double(max(before, now)) > Self.drift * Double(max(1, min(before, now)))
    }
    guard measured?.target != recall || hasDrifted else { return nil }
    self = .measure(recall: recall)
  }
}

/// Queries that measure probes: so many measure a recall of 0.99 to 0.0014, and four times as many, to
/// 0.0007, cost a product of them with all vectors.
private let heldOutCount = 500

extension VectorStorage {
  /// Does what an index needs.
  /// - Parameters:
  ///   - queries: Vectors of another kind that will be searched for, one a row: where they are enough,
  ///     probes are measured with them too, and the more demanding queries decide.
  ///   - checkpoint: Called regularly; an error that it throws ends the work.
  public func perform(
    _ work: VectorIndexWork, queries: Matrix? = nil, checkpoint: () throws -> Void = {}
  ) throws {
    switch work {
    case .makeFlat:
      try rebuild(centroids: nil, checkpoint)
    case .makeLists(let recall):
      try rebuild(centroids: try trainedCentroids(checkpoint), checkpoint)
      try measure(recall: recall, queries, checkpoint)
    case .measure(let recall):
      try measure(recall: recall, queries, checkpoint)
    }
  }

  /// Vectors of the storage that probes of an index are measured with, one a row.
  public func heldOut() throws -> (ids: [UInt64], vectors: Matrix) {
    let all = try ids()
    var random = SplitMix64(seed: 2)
    let sample = SplitMix64.sample(heldOutCount, below: all.count, using: &random).map { all[$0] }
    return (sample, try matrix(of: sample))
  }

  private func rebuild(centroids: Matrix?, _ checkpoint: () throws -> Void) throws {
    try removeIndex()
    try put(nil as ProbeMeasurement?)
    var update = VectorIndexUpdate(self, centroids: centroids)
    try update.addAll(checkpoint: checkpoint)
    try update.finish()
  }

  /// Centroids of a sample by k-means: of 32 vectors for each, for with fewer a centroid is little more
  /// than one of its vectors, and more cost time and find nothing better.
  private func trainedCentroids(_ checkpoint: () throws -> Void) throws -> Matrix {
    let ids = try ids()
    let count = ListDivision.listCount(for: ids.count)
    var random = SplitMix64(seed: 1)
    let sample = SplitMix64.sample(32 * count, below: ids.count, using: &random)
    let rows = try matrix(of: sample.map { ids[$0] })
    try checkpoint()
    let centroids = KMeans.train(rows, count: count, using: &random)
    try checkpoint()
    return centroids
  }

  private func measure(
    recall: Double, _ queries: Matrix?, _ checkpoint: () throws -> Void
  ) throws {
    let lists = try lists()
    let encoded = try CentroidCodes.encode(
      VectorList.centroids(of: lists, dimension: dimension))
    let held = try heldOut()
    var calibrations = [ProbeCalibration(queries: held.vectors, ids: held.ids)]
    if let queries, queries.rows >= heldOutCount {
      calibrations.append(
        ProbeCalibration(queries: queries, ids: Array(repeating: nil, count: queries.rows)))
    }
    let ids = try ids()
    for first in stride(from: 0, to: ids.count, by: VectorIndexUpdate<Self>.batch) {
      try checkpoint()
      let part = Array(ids[first...].prefix(VectorIndexUpdate<Self>.batch))
      let rows = try matrix(of: part)
      let numbers = try part.map { id in
        guard let list = try location(of: id)?.list, list >= VectorList.first, list <= lists.count
        else { throw VectorError(description: "vector \(id) is in no list") }
        return Int(list - VectorList.first)
      }
      for index in calibrations.indices { calibrations[index].visit(part, rows, lists: numbers) }
    }
    let results = try encoded.withUnsafeBytes { bytes in
      let codes = try CentroidCodes(StoredBlock(unsafeBytes: bytes), dimension: dimension)
      return try calibrations.map { try $0.probes(of: codes, recall: recall) }
    }
    let result = results.max { $0.probes.margin < $1.probes.margin }!
    try put(
      ProbeMeasurement(
        target: recall, recall: result.recall, probes: result.probes, nprobe: result.lists,
        vectors: ids.count, lists: lists.count))
  }

  private func matrix(of ids: [UInt64]) throws -> Matrix {
    var values: [Float] = []
    values.reserveCapacity(ids.count * dimension)
    try appendVectors(of: ids, to: &values)
    return Matrix(rows: ids.count, columns: dimension, values: values)
  }
}
