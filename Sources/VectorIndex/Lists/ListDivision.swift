public import Tensors

/// A list's vectors in two.
public struct ListDivision: Sendable {
  /// `[2, d]`
  public let centres: Matrix
  /// For every vector, which of the two it goes to; neither has fewer than an eighth.
  public let sides: [Int]

  /// How many times its share a list may have before it is divided. A list that is probed costs as
  /// much as it is long, so one that has grown slows every query near it.
  public static let mostShares = 4

  /// How many lists serve `count` vectors: 8 √n. A million vectors in 8,024 lists of their nearest
  /// centroids were searched with a recall of 0.99 by scanning 613 of them, in 4,000 lists 8,000; more
  /// lists cost more to train and to choose among than they save.
  public static func listCount(for count: Int) -> Int {
    max(1, Int(8 * Double(count).squareRoot()))
  }

  /// Whether a list of so many vectors is to be divided, where `lists` lists have `total`. A list
  /// shorter than a few blocks of a scan costs too little to bother.
  public static func isDue(_ count: Int, lists: Int, total: Int) -> Bool {
    count >= 64 && count * lists > mostShares * total
  }

  /// Divides the rows of `vectors`, two at least, by 2-means. Where that leaves next to nothing on
  /// one side (duplicates do), the middle along the line between the centres divides instead, so that
  /// a list which keeps growing is divided once for as many as it holds.
  public init(_ vectors: Matrix, using random: inout some RandomNumberGenerator) {
    precondition(vectors.rows >= 2, "\(vectors.rows) vectors cannot be divided")
    let count = vectors.rows
    let trained = KMeans.train(vectors, count: 2, using: &random)
    var sides = nearestRows(of: vectors, among: trained).rows
    let second = sides.reduce(0, +)
    if min(second, count - second) * 8 < count {
      sides = Self.halves(of: vectors, along: trained)
    }
    self.sides = sides
    centres = KMeans.means(of: vectors, in: sides, count: 2)
  }

  private static func halves(of vectors: Matrix, along centres: Matrix) -> [Int] {
    var products = Matrix()
    multiply(vectors, by: centres, transposed: true, into: &products)
    let count = vectors.rows
    let difference = (0..<count).map { products.values[2 * $0 + 1] - products.values[2 * $0] }
    var sides = [Int](repeating: 0, count: count)
    let order = (0..<count).sorted { (difference[$0], $0) < (difference[$1], $1) }
    for row in order[(count / 2)...] { sides[row] = 1 }
    return sides
  }
}
