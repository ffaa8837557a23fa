internal import CKernels
public import Tensors

/// The centroids of the lists, and which lists a query probes.
///
/// They are scanned as codes, like the vectors, so that choosing among thousands of lists costs less
/// than scanning the chosen ones.
public struct Centroids: Sendable {
  /// `[lists, d]`
  public private(set) var values: Matrix
  /// The block of all their codes; a centroid's id is its list's number.
  private var block: [UInt8]
  /// Share of |centroid|² that is taken from its score, filled up to whole groups of codes.
  private var penalties: [Float]

  /// Half of |c|² is what makes the order of q·c that of Euclidean distance. The members of a list
  /// with a short centroid lie scattered about it, so that it holds fewer of a query's neighbours than
  /// its distance says, and one with a long centroid more; of 1/8, 1/6, 1/5, 1/4, 1/3 and 1/2 a
  /// quarter needs the fewest vectors scanned for recalls from 0.95 to 0.99 with 1,264 to 4,000 lists
  /// of 100,000 clustered vectors.
  private static let penaltyShare: Float = 0.25

  /// Throws where there is none, or a number is not finite or huge.
  public init(_ values: Matrix) throws(VectorError) {
    guard values.rows > 0 else { throw VectorError(description: "no centroids") }
    self.values = values
    block = try VectorBlock.encode(
      ids: (0..<UInt64(values.rows)).map { $0 }, vectors: values.values,
      dimension: values.columns)
    penalties = [Float](repeating: .infinity, count: (values.rows + 7) / 8 * 8)
    for list in 0..<values.rows {
      let centroid = Array(values[row: list])
      penalties[list] = Self.penaltyShare * dot(centroid, centroid)
    }
  }

  /// How many lists there are.
  public var count: Int { values.rows }

  /// The lists that a query probes, the most promising first.
  public func lists(near query: PreparedQuery, _ probes: Probes) throws(VectorError)
    -> [(list: Int, score: Double)]
  {
    var lists: [(list: Int, score: Double)] = []
    for list in probes.chosen(from: try scores(of: query)) {
      let row = list * values.columns..<(list + 1) * values.columns
      let score = try exactScore(query.numbers, values.values.span.extracting(row).bytes)
      lists.append((list, score))
    }
    return lists
  }

  /// What orders the lists for a query: q·c less the penalty, up to the coarser code's error;
  /// −infinity in what fills up the last group.
  func scores(of query: PreparedQuery) throws(VectorError) -> [Float] {
    try block.span.bytes.withUnsafeBytes { bytes throws(VectorError) in
      let view = try BlockView(bytes)
      guard view.dimension == query.numbers.count else {
        throw VectorError(
          description: "a query of \(query.numbers.count) numbers among centroids of "
            + "\(view.dimension)")
      }
      return view.coarseScores(query, less: penalties)
    }
  }

  /// Puts the first of two centroids in place of a list's, and the second behind the last.
  public mutating func divide(_ list: Int, into halves: Matrix) throws(VectorError) {
    self = try Centroids(values.dividing(list, into: halves))
  }

  /// How many lists serve `count` vectors.
  public static func listCount(for count: Int) -> Int {
    max(1, Int(8 * Double(count).squareRoot()))
  }
}
