internal import LMDB
internal import Tensors
internal import VectorIndex

/// How the vectors of an index are to be arranged.
public struct VectorArrangement: Sendable {
  /// From so many vectors on they are divided into lists.
  public static let listsFrom = 1 << 18
  /// The recall that lists are probed for where nobody says.
  public static let usualRecall = 0.99

  /// The share of the true nearest that a search of lists is to find; nil keeps what the index has.
  public var recall: Double?
  /// Everything is made anew from the embeddings, whatever state it is in.
  public var isRebuilt: Bool
  /// As `VectorArrangement.listsFrom`, for those who measure.
  public var listsFrom: Int

  /// As an indexing run wants it, unless said otherwise.
  public init(
    recall: Double? = nil, isRebuilt: Bool = false, listsFrom: Int = VectorArrangement.listsFrom
  ) {
    (self.recall, self.isRebuilt, self.listsFrom) = (recall, isRebuilt, listsFrom)
  }
}

/// The caller wanted the work to end; nothing of it was kept.
package struct Interrupted: Error {
  package init() {}
}

extension IndexStore {
  /// Brings the vector index to the number of its vectors: flat, or in lists, with probes measured for
  /// the recall wanted. Most runs find nothing to do. Searches go on meanwhile in what was there.
  ///
  /// `report` hears of how many vectors are arranged, before the work is done. Returns false where
  /// `shouldStop` ended it: then all is as it was.
  public func arrangeVectors(
    _ arrangement: VectorArrangement = VectorArrangement(), shouldStop: () -> Bool = { false },
    report: (Int) -> Void = { _ in }
  ) throws -> Bool {
    if let recall = arrangement.recall, try read({ try $0.recall() }) != recall {
      try write {
        try MetadataTable.setRecall(recall, $0.tables.meta, in: $0.transaction)
      }
    }
    for space in [VectorSpace.pictures, .texts] {
      let work = try read { snapshot in
        try snapshot.tables.work(on: space, arrangement, in: snapshot.transaction)
      }
      guard let work else { continue }
      do {
        try write { change in
          report(try change.tables.vectorCount(of: space, in: change.transaction))
          try change.tables.arrange(space, work, shouldStop: shouldStop, in: change.transaction)
        }
      } catch is Interrupted { return false }
    }
    return true
  }
}

extension IndexSnapshot {
  fileprivate func recall() throws -> Double? {
    try MetadataTable.recall(tables.meta, of: tables.path, in: transaction)
  }
}

/// What is to be done to the vectors of a space.
private enum ArrangingWork {
  case makeFlat
  case makeLists(recall: Double)
  case measure(recall: Double)
}

extension IndexTables {
  /// A recall is measured again where so much of what it was measured of has changed.
  private static let drift = 1.3

  /// Makes the vector index of a space anew from the embeddings, whatever state it is in.
  func rearrange(_ space: VectorSpace, in transaction: borrowing WriteTransaction) throws {
    // What was measured may be damaged too, and is measured again.
    try ProbeMeasurement.remove(space, meta, in: transaction)
    let anew = VectorArrangement(isRebuilt: true)
    guard let work = try work(on: space, anew, in: transaction) else { return }
    try arrange(space, work, shouldStop: { false }, in: transaction)
  }

  fileprivate func work<T: Transaction & ~Copyable>(
    on space: VectorSpace, _ arrangement: VectorArrangement, in transaction: borrowing T
  ) throws -> ArrangingWork? {
    guard let vectors else { return nil }
    let total = try vectorCount(of: space, in: transaction)
    let measured = try ProbeMeasurement(of: space, meta, at: path, in: transaction)
    let recall =
      try MetadataTable.recall(meta, of: path, in: transaction) ?? VectorArrangement.usualRecall
    if arrangement.isRebuilt {
      return total >= arrangement.listsFrom ? .makeLists(recall: recall) : .makeFlat
    }
    let isFlat = try vectors.listCount(of: space, in: transaction) == 0
    // An index about the bound does not go to and fro.
    guard total >= (isFlat ? arrangement.listsFrom : arrangement.listsFrom / 4) else {
      return isFlat ? nil : .makeFlat
    }
    guard !isFlat else { return .makeLists(recall: recall) }
    guard let measured, measured.target == recall else { return .measure(recall: recall) }
    let lists = try vectors.listCount(of: space, in: transaction)
    let changes = [(measured.vectors, total), (measured.lists, lists)].map { before, now in
      Double(max(before, now)) / Double(max(1, min(before, now)))
    }
    return changes.contains { $0 > Self.drift } ? .measure(recall: recall) : nil
  }

  fileprivate func arrange(
    _ space: VectorSpace, _ work: ArrangingWork, shouldStop: () -> Bool,
    in transaction: borrowing WriteTransaction
  ) throws {
    switch work {
    case .makeFlat:
      try makeFlat(space, in: transaction)
    case .makeLists(let recall):
      try makeLists(space, shouldStop: shouldStop, in: transaction)
      try measure(space, recall: recall, shouldStop: shouldStop, in: transaction)
    case .measure(let recall):
      try measure(space, recall: recall, shouldStop: shouldStop, in: transaction)
    }
  }

  /// Makes the blocks of a flat space from the embeddings.
  func makeFlat(_ space: VectorSpace, in transaction: borrowing WriteTransaction) throws {
    guard let vectors else { return }
    try vectors.removeAll(of: space, in: transaction)
    try ProbeMeasurement.remove(space, meta, in: transaction)
    var change = try VectorChange(of: space, in: vectors, embeddings(of: space), transaction)
    try change.addAll(in: transaction)
    try change.finish(in: transaction)
  }

  /// Divides the vectors of a space into lists by k-means of a sample.
  private func makeLists(
    _ space: VectorSpace, shouldStop: () -> Bool, in transaction: borrowing WriteTransaction
  ) throws {
    guard let vectors else { return }
    let embeddings = embeddings(of: space)
    let ids = try embeddings.ids(in: transaction)
    let count = Centroids.listCount(for: ids.count)
    var random = SplitMix64(seed: 1)
    let sample = SplitMix64.sample(
      ListsOfVectors.sampleShare * count, below: ids.count, using: &random)
    let rows = try embeddings.matrix(of: sample.map { ids[$0] }, in: transaction)
    guard !shouldStop() else { throw Interrupted() }
    let centroids = KMeans.train(rows, count: count, using: &random)
    guard !shouldStop() else { throw Interrupted() }
    try vectors.removeAll(of: space, in: transaction)
    var change = VectorChange(
      of: space, in: vectors, embeddings, centroids: centroids)
    try change.addAll(shouldStop: shouldStop, in: transaction)
    try change.finish(in: transaction)
  }

  /// Measures which probes reach a recall with held-out vectors of the space and, since texts look for
  /// pictures and pictures for texts, with vectors of the other one; the more demanding decide.
  private func measure(
    _ space: VectorSpace, recall: Double, shouldStop: () -> Bool,
    in transaction: borrowing WriteTransaction
  ) throws {
    guard let vectors else { return }
    let embeddings = embeddings(of: space)
    let lists = try vectors.lists(of: space, in: transaction)
    let centroids = try vectors.readingBlocks {
      try Centroids(vectors.matrix(of: lists))
    }
    let ids = try embeddings.ids(in: transaction)
    var calibrations = [try held(ids, of: embeddings, areMembers: true, in: transaction)]
    let others = self.embeddings(of: space == .pictures ? .texts : .pictures)
    let otherIDs = try others.ids(in: transaction)
    if otherIDs.count >= Self.heldOut {
      calibrations.append(try held(otherIDs, of: others, areMembers: false, in: transaction))
    }
    for first in stride(from: 0, to: ids.count, by: VectorChange.atOnce) {
      guard !shouldStop() else { throw Interrupted() }
      let part = Array(ids[first...].prefix(VectorChange.atOnce))
      let rows = try embeddings.matrix(of: part, in: transaction)
      let places = try part.map { id in
        guard let place = try vectors.places.get((space, id), in: transaction), place.list > 0,
          place.list <= lists.count
        else { throw vectors.damaged("vector \(id) is in no list") }
        return Int(place.list) - 1
      }
      for index in calibrations.indices { calibrations[index].visit(part, rows, lists: places) }
    }
    let results = try vectors.readingBlocks {
      try calibrations.map { try $0.probes(of: centroids, recall: recall) }
    }
    let result = results.max { $0.probes.margin < $1.probes.margin }!
    try ProbeMeasurement(target: recall, result, vectors: ids.count, lists: lists.count)
      .write(space, meta, in: transaction)
  }

  /// As many queries measure a recall of 0.99 to 0.0014.
  private static let heldOut = 500

  private func held(
    _ ids: [UInt64], of embeddings: EmbeddingTable, areMembers: Bool,
    in transaction: borrowing WriteTransaction
  ) throws -> ProbeCalibration {
    var random = SplitMix64(seed: 2)
    let queries = SplitMix64.sample(Self.heldOut, below: ids.count, using: &random).map { ids[$0] }
    return ProbeCalibration(
      queries: try embeddings.matrix(of: queries, in: transaction),
      ids: areMembers ? queries : Array(repeating: nil, count: queries.count))
  }
}
