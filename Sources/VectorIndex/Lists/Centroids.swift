internal import CKernels
public import Tensors

/// The centroids of the lists, and which lists a query probes.
///
/// They are scanned as codes, like the vectors, so that choosing among thousands of lists costs less
/// than scanning the chosen ones.
public struct Centroids: Sendable {
  /// `[lists, d]`
  public let values: Matrix
  /// The block of all their codes; a centroid's id is its list's number.
  let block: [UInt8]
  /// Share of |centroid|² that is taken from its score, filled up to whole groups of codes.
  private(set) var penalties: [Float]

  /// Half of |c|² is what makes the order of q·c that of Euclidean distance. The members of a list
  /// with a short centroid lie scattered about it, so that it holds fewer of a query's neighbours than
  /// its distance says, and one with a long centroid more. Measured with 4,000 lists of 100,000
  /// clustered vectors, probed by a margin: for a recall of 0.95 a share of 0 scans 1,739 vectors, 1/8
  /// 555, 1/4 336, 1/3 354, 1/2 404; for one of 0.99 it is 9,473, 6,276, 3,972, 4,196 and 4,541. The
  /// same shares are best with 1,264 lists.
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
    let chosen = probes.chosen(from: try scores(of: query))
    var lists: [(list: Int, score: Double)] = []
    lists.reserveCapacity(chosen.count)
    for (place, list) in chosen.enumerated() {
      // Centroids lie anywhere, and there are more than the nearer caches hold.
      if place + 2 < chosen.count { prefetch(chosen[place + 2]) }
      let score = try exactScore(
        query.numbers, values.values.span.extracting(range(of: list)).bytes)
      lists.append((list, score))
    }
    return lists
  }

  private func range(of list: Int) -> Range<Int> {
    list * values.columns..<(list + 1) * values.columns
  }

  private func prefetch(_ list: Int) {
    values.values.withUnsafeBufferPointer { values in
      kernel_prefetch(
        UnsafeBufferPointer(rebasing: values[range(of: list)]).baseAddress,
        self.values.columns * MemoryLayout<Float>.stride)
    }
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

  /// How many lists serve `count` vectors: 8 √n. A million vectors in 8,024 lists of their nearest
  /// centroids were searched with a recall of 0.99 by scanning 613 of them, in 4,000 lists 8,000; more
  /// lists cost more to train and to choose among than they save.
  public static func listCount(for count: Int) -> Int {
    max(1, Int(8 * Double(count).squareRoot()))
  }
}
