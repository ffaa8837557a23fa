public import Tensors

/// Vectors divided among lists: what an index is built from.
public struct ListsOfVectors: Sendable {
  /// `[lists, d]`
  public private(set) var centroids: Matrix
  /// Of every vector, its list.
  public private(set) var listOfRow: [Int]

  /// Vectors for each centroid that k-means is trained with: with fewer a centroid is little more than
  /// one of its vectors, more cost time and find nothing better.
  public static let sampleShare = 32

  /// Trains centroids on a sample of the rows and puts every row in the list of the nearest.
  public init(
    _ vectors: Matrix, lists: Int, using random: inout some RandomNumberGenerator
  ) {
    let rows = SplitMix64.sample(Self.sampleShare * lists, below: vectors.rows, using: &random)
    centroids = KMeans.train(
      rows.count < vectors.rows ? vectors.rows(rows) : vectors, count: lists, using: &random)
    listOfRow = nearestRows(of: vectors, among: centroids).rows
  }

  /// The rows of every list.
  public var members: [[Int]] {
    var members = [[Int]](repeating: [], count: centroids.rows)
    for (row, list) in listOfRow.enumerated() { members[list].append(row) }
    return members
  }

  /// Divides lists that have far more than their share until none has.
  public mutating func divideLongLists(
    of vectors: Matrix, using random: inout some RandomNumberGenerator
  ) {
    var members = members
    var list = 0
    while list < members.count {
      guard
        ListDivision.isDue(members[list].count, lists: members.count, total: vectors.rows)
      else {
        list += 1
        continue
      }
      let rows = members[list]
      let division = ListDivision(vectors.rows(rows), using: &random)
      let second = members.count
      members[list] = []
      members.append([])
      for (row, side) in zip(rows, division.sides) {
        let target = side == 0 ? list : second
        members[target].append(row)
        listOfRow[row] = target
      }
      centroids = centroids.dividing(list, into: division.centres)
    }
  }
}

extension Matrix {
  /// The matrix with the first of two rows in place of a row, and the second at its end.
  func dividing(_ row: Int, into halves: Matrix) -> Matrix {
    precondition(halves.rows == 2 && halves.columns == columns)
    var divided = values
    divided.replaceSubrange(row * columns..<(row + 1) * columns, with: halves[row: 0])
    divided += halves[row: 1]
    return Matrix(rows: rows + 1, columns: columns, values: divided)
  }
}
