import Random
internal import Synchronization
internal import Tensors

/// Centres in groups of like directions, so that the nearest to a vector is looked for in the groups
/// nearest to it, and not among thousands: for 8,000 a fifth of the products. It is missed for some
/// vectors, which is good enough to train centres, and not to put vectors into lists by.
///
/// Measured with 8,000 centres of a million clustered vectors and an eighth of the groups: 126 groups
/// find the nearest centre of 93 vectors in a hundred, 256 of 96, both among 1,400. Groups by
/// distance are no better for being so unlike: the centres near the origin make one of thousands.
struct GroupedCentres {
  /// Fewer centres are looked through as they are.
  private static let least = 512
  /// The part of the groups that is looked through.
  private static let share = 8
  /// Vectors that are looked up together.
  private static let atOnce = 8192

  private struct Group {
    /// Their numbers and the centres themselves.
    var numbers: [Int]
    var centres: Matrix
  }

  private let groups: [Group]
  /// The groups' directions, one a row.
  private let directions: Matrix

  /// Groups the rows of `centres`.
  init(_ centres: Matrix) {
    guard centres.rows >= Self.least else {
      directions = Matrix()
      groups = [Group(numbers: Array(0..<centres.rows), centres: centres)]
      return
    }
    var random = SplitMix64(seed: UInt64(centres.rows))
    var normalized = Matrix()
    normalizeRows(centres, into: &normalized)
    var directions = Matrix()
    normalizeRows(
      KMeans.train(
        normalized, count: Int(Double(2 * centres.rows).squareRoot()), using: &random),
      into: &directions)
    var numbers = [[Int]](repeating: [], count: directions.rows)
    for (number, group) in nearestRows(of: normalized, among: directions).rows.enumerated() {
      numbers[group].append(number)
    }
    let filled = numbers.indices.filter { !numbers[$0].isEmpty }
    self.directions = directions.rows(filled)
    groups = filled.map { Group(numbers: numbers[$0], centres: centres.rows(numbers[$0])) }
  }

  /// As `nearestRows(of:among:)`, but for the few that it misses.
  func nearest(of x: Matrix) -> (rows: [Int], scores: [Float]) {
    guard groups.count > 1 else { return nearestRows(of: x, among: groups[0].centres) }
    let found = Mutex<[(first: Int, rows: [Int], scores: [Float])]>([])
    inParallel(rows: x.rows, operations: x.values.count * directions.rows) { range in
      for first in stride(from: range.lowerBound, to: range.upperBound, by: Self.atOnce) {
        let part = lookUp(x.rows(first..<min(first + Self.atOnce, range.upperBound)))
        found.withLock { $0.append((first, part.rows, part.scores)) }
      }
    }
    let parts = found.withLock { $0.sorted { $0.first < $1.first } }
    return (parts.flatMap(\.rows), parts.flatMap(\.scores))
  }

  private func lookUp(_ x: Matrix) -> (rows: [Int], scores: [Float]) {
    var rows = [Int](repeating: 0, count: x.rows)
    var scores = [Float](repeating: -.infinity, count: x.rows)
    for (group, members) in zip(groups, members(of: x)) where !members.isEmpty {
      let found = nearestRows(of: x.rows(members), among: group.centres)
      for (index, row) in members.enumerated() where found.scores[index] > scores[row] {
        rows[row] = group.numbers[found.rows[index]]
        scores[row] = found.scores[index]
      }
    }
    return (rows, scores)
  }

  /// For every group, the rows whose nearest centres may be in it.
  private func members(of x: Matrix) -> [[Int]] {
    var products = Matrix()
    multiply(x, by: directions, transposed: true, into: &products)
    var members = [[Int]](repeating: [], count: groups.count)
    for row in 0..<x.rows {
      var nearest = TopK(capacity: max(1, groups.count / Self.share))
      var worst = -Float.infinity
      for (group, score) in products[row: row].enumerated() where score > worst {
        nearest.insert(Neighbor(id: UInt64(group), score: Double(score)))
        worst = nearest.worst.map { Float($0.score) } ?? worst
      }
      for group in nearest.sorted() { members[Int(group.id)].append(row) }
    }
    return members
  }
}
