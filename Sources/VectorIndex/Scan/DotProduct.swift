internal import CKernels

/// Σ `query[i]` · `vector[i]`, summed in double, where `vector` holds as many little-endian floats at
/// any alignment: the score that decides an order.
public func exactScore(_ query: [Float], _ vector: RawSpan) throws(VectorError) -> Double {
  try vector.withUnsafeBytes { vector throws(VectorError) in try exactScore(query, vector) }
}

/// The same of a vector in memory that the caller keeps.
func exactScore(_ query: [Float], _ vector: UnsafeRawBufferPointer) throws(VectorError) -> Double {
  guard vector.count == query.count * MemoryLayout<Float>.stride else {
    throw VectorError(description: "\(vector.count) bytes where \(query.count) floats belong")
  }
  let score = query.withUnsafeBytes { query in
    query.count == 0 ? 0 : kernel_dot(query.baseAddress!, vector.baseAddress!, query.count / 4)
  }
  guard score.isFinite else { throw VectorError(description: "numbers that are not finite") }
  return score
}
