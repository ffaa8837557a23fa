internal import CKernels

/// Keys and values of all heads in the order in which attention multiplies them: reordered once for many
/// queries.
public struct PackedHeads: Sendable {
  let shape: HeadShape
  /// The rows that are attended to together.
  let parts: [Range<Int>]
  private let rounds: Bool
  /// The offset of the first head of each part, in floats, and the end.
  private let starts: [Int]
  private let region: PackedRegion

  /// Reorders rows.
  /// - Parameters:
  ///   - parts: The keys of all later segments; none is empty.
  ///   - rounding: As of `attend`.
  public init(
    keys: Heads, values: Heads, _ shape: HeadShape, parts: [Range<Int>], rounding: Bool = false
  ) {
    // Only keys and values are read.
    let operands = AttentionOperands(
      queries: keys, keys: keys, values: values, shape,
      parts.map { AttentionSegment(queries: 0..<0, keys: $0) })
    let rounds = rounding && kernel_multiplies_bfloat16()
    let sizes = parts.map { Self.stride($0, shape, rounds) }
    var starts = [0]
    for size in sizes { starts.append(starts[starts.count - 1] + shape.count * size) }
    (self.shape, self.parts, self.rounds, self.starts) = (shape, parts, rounds, starts)
    region = PackedRegion(byteCount: max(4 * starts[parts.count], 1)) { bytes in
      let packed = bytes.assumingMemoryBound(to: Float.self)
      operands.withPointers { pointers in
        inParallel(rows: parts.count * shape.count, operations: 8 * starts[parts.count]) {
          for item in $0 {
            let (part, head) = (item / shape.count, item % shape.count)
            kernel_pack_attention(
              kernel_attention(operands, pointers, operands.segments[part], head: head), rounds,
              packed + starts[part] + head * sizes[part])
          }
        }
      }
    }
  }

  /// The distance of the heads of a part, in floats: a multiple of a cache line.
  private static func stride(_ part: Range<Int>, _ shape: HeadShape, _ rounds: Bool) -> Int {
    (kernel_attention_packed(part.count, shape.size, rounds) + 15) / 16 * 16
  }

  /// The attention of a head for `rows` queries, `[rows, head size]`.
  fileprivate func attend(
    _ queries: Block<UnsafePointer<Float>>, rows: Int, part: Int, head: Int, scale: Float,
    into context: Block<UnsafeMutablePointer<Float>>, _ scratch: UnsafeMutablePointer<Float>
  ) {
    region.withBytes(4 * starts[part]..<4 * starts[part + 1]) { bytes in
      guard let packed = bytes.assumingMemoryBound(to: Float.self).baseAddress else { return }
      let attention = kernel_attention(
        q: queries.start, k: nil, v: nil, q_stride: queries.stride, k_stride: 0, v_stride: 0,
        queries: rows, keys: parts[part].count, size: shape.size, scale: scale,
        context: context.start, context_stride: context.stride)
      kernel_attend(
        attention, rounds, packed + head * Self.stride(parts[part], shape, rounds), scratch)
    }
  }
}

/// `attend` over keys and values that are packed.
/// - Parameters:
///   - segments: Their keys are parts that were packed.
///   - scale: What scores are multiplied by; nil for 1/√(head size).
///   - context: Becomes `[query rows, width]`.
public func attend(
  queries: Heads, over packed: PackedHeads, _ segments: [AttentionSegment], scale: Float? = nil,
  into context: inout Matrix
) {
  let shape = packed.shape
  precondition(queries.first >= 0 && queries.first + shape.width <= queries.matrix.columns)
  let places = Dictionary(
    packed.parts.indices.map { (packed.parts[$0], $0) }, uniquingKeysWith: { first, _ in first })
  let block = Int(kernel_attention_rows)
  let items = segments.merged().flatMap { segment in
    guard let part = places[segment.keys] else {
      preconditionFailure("\(segment.keys) are not packed keys")
    }
    precondition(
      segment.queries.lowerBound >= 0 && segment.queries.upperBound <= queries.matrix.rows)
    return (0..<shape.count).flatMap { head in
      stride(from: segment.queries.lowerBound, to: segment.queries.upperBound, by: block).map {
        (part: part, head: head, rows: $0..<min($0 + block, segment.queries.upperBound))
      }
    }
  }
  let scores = segments.reduce(0) { $0 + $1.queries.count * $1.keys.count }
  let longest = segments.map(\.keys.count).max() ?? 0
  context.reshape(rows: queries.matrix.rows, columns: shape.width)
  queries.matrix.withPointer { q in
    context.withMutablePointer { context in
      inParallel(rows: items.count, operations: 2 * scores * shape.width) { part in
        withScratch(kernel_attention_scratch(longest, shape.size)) { scratch in
          for item in items[part] {
            let (first, column) = (item.rows.lowerBound, item.head * shape.size)
            packed.attend(
              Block(queries.start(q, row: first, item.head, shape), queries.matrix.columns),
              rows: item.rows.count, part: item.part, head: item.head,
              scale: scale ?? shape.scale,
              into: Block(context + first * shape.width + column, shape.width), scratch)
          }
        }
      }
    }
  }
}
