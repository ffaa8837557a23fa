internal import CKernels

/// The codes of a block for scans by many queries: the upper 7 bits, as a product of integers takes them.
/// They are unpacked once and read by all.
struct WholeCodes {
  private var bits: [UInt8] = []
  private var steps: [Float] = []
  /// What each vector is away from its 7 bits, at least.
  private var errors: [Float] = []
  private var count = 0
  private var depth = 0

  /// Takes over a block's codes.
  mutating func fill(from block: BlockView) {
    (count, depth) = (block.count, Code.depth(block.dimension))
    let multiple = Int(kernel_whole_multiple)
    let padded = (count + multiple - 1) / multiple * multiple
    if bits.count < padded * depth { bits = [UInt8](repeating: 0, count: padded * depth) }
    if steps.count < padded {
      steps = [Float](repeating: 0, count: padded)
      errors = steps
    }
    block.unpack(into: &bits)
    // The lowest bit is worth half a step either way.
    let lowest = Float(0.5 * Double(block.dimension).squareRoot()).nextUp
    for index in 0..<count {
      steps[index] = block.step(index)
      errors[index] = (block.fineError(index).value + steps[index] * lowest).nextUp.nextUp
    }
  }

  /// As far as a vector can be from its 7 bits.
  func error(_ index: Int) -> Double { Double(errors[index]) }

  /// Looks for the vectors that each query's filter lets through; `buffer` gets them.
  func scan(_ panel: inout QueryPanel, _ buffer: inout ScanBuffer) {
    buffer.fill(queries: QueryPanel.capacity, vectors: count) { found, scores, counts in
      bits.withUnsafeBufferPointer { bits in
        steps.withUnsafeBufferPointer { steps in
          errors.withUnsafeBufferPointer { errors in
            panel.scan(
              kernel_whole_codes(
                bits: bits.baseAddress, steps: steps.baseAddress, errors: errors.baseAddress,
                count: count, depth: depth), found, scores, counts)
          }
        }
      }
    }
  }
}
