public import Tensors

/// Measures which probes find how many of the true neighbors of held-out queries, and so chooses
/// the probes for a recall.
///
/// What is counted is whether a neighbor's list is probed. A scan by `ScoreBound.probable` loses
/// next to nothing beyond that.
///
/// ```swift
/// var calibration = ProbeCalibration(queries: queries, ids: ids)
/// for part in parts { calibration.visit(part.ids, part.vectors, lists: part.lists) }
/// let result = try calibration.probes(of: centroids, recall: 0.99)
/// ```
public struct ProbeCalibration: Sendable {
  private let queries: Matrix
  private let ids: [UInt64?]
  private var best: [TopK]
  /// The list of every vector that was shown, in that order: the ids in `best` are places in it.
  private var lists: [UInt32] = []
  private var sizes: [Int] = []

  /// What was measured, and what was chosen by it.
  public struct Result: Sendable, Equatable {
    /// The probes.
    public var probes: Probes
    /// Share of the true neighbors that they find.
    public var recall: Double
    /// Lists that a query probes, on average.
    public var lists: Double
    /// Vectors that a query scans, on average.
    public var vectors: Double
  }

  /// Queries, one a row, with the id of the vector each of them is, if it is one: that is not its own
  /// neighbor. Recall is measured of the `count` nearest.
  public init(queries: Matrix, ids: [UInt64?], count: Int = 10) {
    precondition(queries.rows == ids.count && count > 0)
    self.queries = queries
    self.ids = ids
    best = (0..<queries.rows).map { _ in TopK(capacity: count) }
  }

  /// Shows vectors of the index, one a row, with their ids and the lists that they are in. Every one
  /// has to be shown once; some thousand at a time is best.
  public mutating func visit(_ ids: [UInt64], _ vectors: Matrix, lists: [Int]) {
    precondition(vectors.rows == ids.count && vectors.rows == lists.count)
    let first = self.lists.count
    for list in lists {
      if list >= sizes.count {
        sizes.append(contentsOf: repeatElement(0, count: list + 1 - sizes.count))
      }
      sizes[list] += 1
      self.lists.append(UInt32(list))
    }
    var scores = Matrix()
    multiply(queries, by: vectors, transposed: true, into: &scores)
    for query in best.indices {
      scores.values[query * ids.count..<(query + 1) * ids.count].withUnsafeBufferPointer { scores in
        var worst = best[query].worst?.score ?? -.infinity
        for (row, score) in scores.enumerated() where Double(score) > worst {
          guard ids[row] != self.ids[query] else { continue }
          best[query].insert(Neighbor(id: UInt64(first + row), score: Double(score)))
          worst = best[query].worst?.score ?? -.infinity
        }
      }
    }
  }

  /// The least margin whose recall is `recall`, and what it costs.
  func probes(of centroids: CentroidCodes, recall: Double) throws(VectorError) -> Result {
    // Of every neighbor, by how much its list's score is below the best: the recall of a margin is
    // the share of the neighbors that need no more.
    var needed: [Float] = []
    var scored: [[Float]] = []
    for (query, best) in best.enumerated() {
      let scores = centroids.scores(of: try PreparedQuery(Array(queries[row: query])))
      let greatest = scores.max() ?? 0
      for neighbor in best.sorted() {
        needed.append(greatest - scores[Int(lists[Int(neighbor.id)])])
      }
      scored.append(scores)
    }
    needed.sort()
    guard !needed.isEmpty else {
      return Result(probes: .all, recall: 1, lists: 0, vectors: 0)
    }
    let wanted = min(max(Int((recall * Double(needed.count)).rounded(.up)), 1), needed.count)
    let margin = needed[wanted - 1].nextUp
    let probes = Probes(margin: margin, nprobe: centroids.count)
    let found = needed.prefix { $0 < margin }.count
    var (probed, scanned) = (0, 0)
    for scores in scored {
      for list in probes.chosen(from: scores) {
        probed += 1
        scanned += list < sizes.count ? sizes[list] : 0
      }
    }
    return Result(
      probes: probes, recall: Double(found) / Double(needed.count),
      lists: Double(probed) / Double(scored.count), vectors: Double(scanned) / Double(scored.count))
  }
}
