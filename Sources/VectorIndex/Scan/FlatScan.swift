/// An exact search in progress: every vector is shown to it once, where it lies, and the best are
/// kept. Nothing is copied, and a filter decides before a vector's bytes are touched, so that a
/// filtered search returns as many as there are.
///
/// ```swift
/// var scan = try FlatScan(query: [0, 1], count: 10)
/// for (id, vector) in stored { try scan.visit(id, vector.span.bytes) }
/// let nearest = scan.nearest
/// ```
public struct FlatScan {
  private let query: [Float]
  private let isIncluded: ((UInt64) -> Bool)?
  private var best: TopK

  /// A search for the `count` vectors with the greatest dot product with `query`, among those that
  /// `isIncluded` lets in. Throws where the query is not finite.
  public init(query: [Float], count: Int, where isIncluded: ((UInt64) -> Bool)? = nil)
    throws(VectorError)
  {
    guard query.allSatisfy(\.isFinite) else {
      throw VectorError(description: "the query holds numbers that are not finite")
    }
    self.query = query
    self.isIncluded = isIncluded
    best = TopK(capacity: count)
  }

  /// Shows a vector: Float32, little-endian, at any alignment. Throws where it is not as long as
  /// the query or its score is not finite.
  public mutating func visit(_ id: UInt64, _ vector: RawSpan) throws(VectorError) {
    if let isIncluded, !isIncluded(id) { return }
    do throws(VectorError) {
      best.insert(Neighbor(id: id, score: try exactScore(query, vector)))
    } catch {
      throw VectorError(description: "vector \(id): \(error)")
    }
  }

  /// The nearest of those shown so far, best first, the smaller id first among equals.
  public var nearest: [Neighbor] { best.sorted() }
}
