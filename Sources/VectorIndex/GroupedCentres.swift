internal import Synchronization
public import Tensors

/// Centres of lists in groups of neighbours, so that a vector's nearest is looked for in the groups
/// whose means are nearest to it, and not among thousands: for 8,000 a seventh of the products.
///
/// Measured with 8,000 centres of a million clustered vectors: an eighth of 126 groups holds the
/// nearest centre of 97 to 99 in a hundred vectors, and one hardly farther away of the others. What
/// that does to a search is in the recall that its probes are measured by.
public struct GroupedCentres: Sendable {
  /// Fewer centres are looked through as they are.
  private static let least = 1024
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
  /// The groups' means, one a row.
  private let means: Matrix

  /// Groups the rows of `centres`.
  public init(_ centres: Matrix) {
    guard centres.rows >= Self.least else {
      means = Matrix()
      groups = [Group(numbers: Array(0..<centres.rows), centres: centres)]
      return
    }
    var random = SplitMix64(seed: UInt64(centres.rows))
    let means = KMeans.train(
      centres, count: Int(Double(2 * centres.rows).squareRoot()), using: &random)
    var numbers = [[Int]](repeating: [], count: means.rows)
    for (number, group) in nearestRows(of: centres, among: means).rows.enumerated() {
      numbers[group].append(number)
    }
    let filled = numbers.indices.filter { !numbers[$0].isEmpty }
    self.means = means.rows(filled)
    groups = filled.map { Group(numbers: numbers[$0], centres: centres.rows(numbers[$0])) }
  }

  /// As `nearestRows(of:among:)`, but for the few that it misses.
  public func nearest(of x: Matrix) -> (rows: [Int], scores: [Float]) {
    guard groups.count > 1 else { return nearestRows(of: x, among: groups[0].centres) }
    let found = Mutex<[(first: Int, rows: [Int], scores: [Float])]>([])
    inParallel(rows: x.rows, operations: x.values.count * means.rows) { range in
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
    let halfNorms = means.squaredNorms().map { $0 / 2 }
    var products = Matrix()
    multiply(x, by: means, transposed: true, into: &products)
    var members = [[Int]](repeating: [], count: groups.count)
    for row in 0..<x.rows {
      var nearest = TopK(capacity: max(1, groups.count / Self.share))
      var worst = -Float.infinity
      for (group, product) in products[row: row].enumerated() {
        let score = product - halfNorms[group]
        guard score > worst else { continue }
        nearest.insert(Candidate(id: UInt64(group), score: Double(score)))
        worst = nearest.worst.map { Float($0.score) } ?? worst
      }
      for group in nearest.sorted() { members[Int(group.id)].append(row) }
    }
    return members
  }
}
