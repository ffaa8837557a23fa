/// A query as scans need it: its numbers, and 8 bits of each.
public struct PreparedQuery: Sendable {
  /// The query itself.
  public let numbers: [Float]
  /// The numbers, filled up with zeros; those that the low halves of a code's bytes belong to come
  /// first.
  let halves: [Float]
  /// The same divided by `step` and rounded, in −127…127.
  let rounded: [Int8]
  let step: Float
  /// 15 · Σ rounded
  let centre: Int32
  /// At least the lengths of the query and of what rounding took from it.
  let norm: Double
  let roundingError: Double

  /// Throws where a number is not finite, or the query is longer than 1e15.
  public init(_ query: [Float]) throws(VectorError) {
    let norm = query.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    guard norm <= Code.longest else {
      throw VectorError(description: "the query holds numbers that are not finite, or huge")
    }
    guard 1...BlockLayout.greatestDimension ~= query.count else {
      throw VectorError(description: "a query of \(query.count) numbers")
    }
    let filling = Code.depth(query.count) - query.count
    numbers = query
    let padded = query + [Float](repeating: 0, count: filling)
    halves = [0, 4].flatMap { half in
      stride(from: half, to: padded.count, by: 8).flatMap { padded[$0..<$0 + 4] }
    }
    let step = (query.map(abs).max() ?? 0) / 127
    self.step = step
    rounded = halves.map { step > 0 ? Int8(min(max(($0 / step).rounded(), -127), 127)) : 0 }
    centre = 15 * rounded.reduce(0) { $0 + Int32($1) }
    let errors = zip(halves, rounded).reduce(0.0) { sum, pair in
      let error = Double(pair.0) - Double(step) * Double(pair.1)
      return sum + error * error
    }
    self.norm = norm * (1 + 1e-9)
    roundingError = errors.squareRoot() * (1 + 1e-9)
  }

  /// Throws where vectors of that dimension cannot be compared with the query.
  func expects(_ dimension: Int) throws(VectorError) {
    guard dimension == numbers.count else {
      throw VectorError(
        description: "a block of \(dimension)-dimensional vectors, not \(numbers.count)")
    }
  }
}
