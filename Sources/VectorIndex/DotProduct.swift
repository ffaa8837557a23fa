/// Σ `query[i]` · `vector[i]`, where `vector` holds as many little-endian floats at any alignment.
///
/// Sums in 4 × 8 lanes, so that one addition need not wait for the one before.
func dotProduct(_ query: [Float], _ vector: UnsafeRawBufferPointer) -> Float {
  precondition(vector.count == query.count * MemoryLayout<Float>.stride)
  typealias Lanes = SIMD8<Float>
  let width = MemoryLayout<Lanes>.size
  return query.withUnsafeBytes { query in
    var sums = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    @inline(__always) func product(_ offset: Int) -> Lanes {
      query.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
        * vector.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
    }
    var offset = 0
    while offset + 4 * width <= vector.count {
      sums.0 += product(offset)
      sums.1 += product(offset + width)
      sums.2 += product(offset + 2 * width)
      sums.3 += product(offset + 3 * width)
      offset += 4 * width
    }
    var sum = ((sums.0 + sums.1) + (sums.2 + sums.3)).sum()
    while offset < vector.count {
      sum +=
        query.loadUnaligned(fromByteOffset: offset, as: Float.self)
        * vector.loadUnaligned(fromByteOffset: offset, as: Float.self)
      offset += MemoryLayout<Float>.stride
    }
    return sum
  }
}
