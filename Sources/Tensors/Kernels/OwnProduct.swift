internal import CKernels

/// A product by blip's own kernels, for where OpenBLAS is not used. b is packed every time, and a is
/// copied, so it is slower by a tenth.
@Sendable func multiplyByOwnKernels(
  _ product: MatrixProduct, _ a: Block<UnsafePointer<Float>>, _ b: Block<UnsafePointer<Float>>,
  _ c: Block<UnsafeMutablePointer<Float>>
) {
  let (columns, depth) = (product.columns, product.depth)
  guard depth > 0 else {
    for row in 0..<product.rows where !product.accumulates {
      (c.start + row * c.stride).update(repeating: 0, count: columns)
    }
    return
  }
  let height = min(product.rows, 192)
  let (bAcross, bAlong) = product.transposesB ? (b.stride, 1) : (1, b.stride)
  withScratch(kernel_packed_count(kernel_floats, columns, depth)) { packed in
    kernel_pack_floats(b.start, bAcross, bAlong, columns, depth, packed)
    let panels = kernel_panels(format: kernel_floats, numbers: packed, scales: nil, sums: nil)
    withScratch(height * depth) { x in
      withScratch(height * columns) { y in
        withScratch(kernel_multiply_scratch(kernel_floats, depth)) { scratch in
          for first in stride(from: 0, to: product.rows, by: height) {
            let rows = min(height, product.rows - first)
            copyScaled(product, a, rows: first..<first + rows, into: x)
            kernel_multiply(
              kernel_product(
                x: x, x_stride: depth, m: rows, k: depth, n: columns, first_column: 0,
                end_column: columns, y: y, y_stride: columns),
              panels, kernel_epilogue(bias: nil, addend: nil, activation: kernel_identity), scratch)
            for row in 0..<rows {
              let (from, to) = (y + row * columns, c.start + (first + row) * c.stride)
              for column in 0..<columns {
                to[column] = product.accumulates ? to[column] + from[column] : from[column]
              }
            }
          }
        }
      }
    }
  }
}

/// Writes rows of scale · op(a) into x, one after the other.
private func copyScaled(
  _ product: MatrixProduct, _ a: Block<UnsafePointer<Float>>, rows: Range<Int>,
  into x: UnsafeMutablePointer<Float>
) {
  let (across, along) = product.transposesA ? (1, a.stride) : (a.stride, 1)
  for (place, row) in rows.enumerated() {
    let (from, to) = (a.start + row * across, x + place * product.depth)
    for i in 0..<product.depth { to[i] = product.scale * from[i * along] }
  }
}
