internal import CKernels

/// A vector's residual to its list's centroid as codes of 8 bits with a step of its own:
/// x ≈ centroid + step · (code − 127.5).
///
/// Code and residual differ by a vector whose length is *measured* when the vector is coded, so that
/// Cauchy–Schwarz bounds how far a score by codes can be from the true one: |⟨q, error⟩| ≤ ‖q‖ · ‖error‖.
/// The upper 4 bits alone are a coarser code of the same residual, with a measured error too. One query's
/// scan reads these, half as many bytes as the whole codes, and goes on to the lower 4 bits for what the
/// bound cannot rule out, and from there to the stored Float32. Many queries' scan does not wait for
/// memory and multiplies 7 bits at once (`WholeCodes`): as many products, and next to nothing to pass.
///
/// Why 4 + 4 bits, and not RaBitQ's single bit (Gao & Long, SIGMOD 2024) or products quantised to
/// 4 bits (faiss' fast scan): one format serves the exact scan and the lists. A single bit leaves an
/// error of 0.6 of the residual's length, whose bound rules out next to nothing, so an exact scan could
/// not use it; 4 bits leave 0.1. They need no rotation, no training and no `vpopcntdq`: a processor with
/// AVX2 multiplies 32 of them with a query's bytes in one instruction.
struct Code {
  /// Numbers of a code in memory: the dimension, filled up.
  static func depth(_ dimension: Int) -> Int {
    let multiple = Int(kernel_code_depth)
    return (dimension + multiple - 1) / multiple * multiple
  }

  /// The greatest length of a vector whose products cannot overflow a Float.
  static let longest = 1e15

  var step: Float = 0
  /// The upper 4 bits' and the whole code's distance from the residual, rounded up.
  var coarseError: UpperHalf
  var fineError: UpperHalf
  /// At least the length of what either code stands for.
  var norm: Double

  /// Codes `vector` − `centroid`; writes `depth` / 2 bytes each of upper and lower bits.
  init(
    _ vector: UnsafeBufferPointer<Float>, centroid: [Float]?,
    upper: UnsafeMutableBufferPointer<UInt8>, lower: UnsafeMutableBufferPointer<UInt8>
  ) throws(VectorError) {
    var greatest = 0.0
    var squares = 0.0
    for index in vector.indices {
      let number = Double(vector[index]) - Double(centroid?[index] ?? 0)
      squares += number * number
      greatest = max(greatest, abs(number))
    }
    guard squares <= Self.longest * Self.longest else {
      throw VectorError(description: "numbers that are not finite, or huge")
    }
    step = Float(greatest / 127.5)
    let inverse = step > 0 ? 1 / Double(step) : 0
    var coarse = (error: 0.0, norm: 0.0)
    var fine = coarse
    for index in vector.indices {
      let number = Double(vector[index]) - Double(centroid?[index] ?? 0)
      let code = UInt8(min(max((number * inverse + 127.5).rounded(), 0), 255))
      let coarseNumber = Double(step) * (Double(code | 15) - 7.5 - 127.5)
      let fineNumber = Double(step) * (Double(code) - 127.5)
      coarse.error += (number - coarseNumber) * (number - coarseNumber)
      coarse.norm += coarseNumber * coarseNumber
      fine.error += (number - fineNumber) * (number - fineNumber)
      fine.norm += fineNumber * fineNumber
      // 8 numbers are 4 bytes: the first four are the low halves.
      let byte = index / 8 * 4 + index % 4
      if index % 8 < 4 {
        upper[byte] = code >> 4
        lower[byte] = code & 15
      } else {
        upper[byte] |= code & 0xf0
        lower[byte] |= code << 4
      }
    }
    coarseError = UpperHalf(atLeast: coarse.error.squareRoot())
    fineError = UpperHalf(atLeast: fine.error.squareRoot())
    norm = max(coarse.norm, fine.norm).squareRoot()
  }
}

/// The upper half of a Float32's bits, for bounds.
struct UpperHalf {
  let bits: UInt16

  init(bits: UInt16) { self.bits = bits }

  /// The least that is not below a number ≥ 0.
  init(atLeast number: Double) {
    // The sums behind a bound are themselves rounded: a trifle more than enough.
    let float = Float(number * (1 + 1e-9)).nextUp
    bits = UInt16((float.bitPattern + 0xffff) >> 16)
  }

  var value: Float { Float(bitPattern: UInt32(bits) << 16) }
}
