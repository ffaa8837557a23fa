/// Whether a kernel computes products correctly: some small ones, compared with sums in double
/// precision. Takes less than a millisecond.
func computesCorrectly(_ multiply: ProductKernel) -> Bool {
  // OpenBLAS has kernels of their own for products up to 100³.
  let sizes = [(1, 1, 1), (3, 5, 7), (17, 33, 9), (64, 16, 48), (97, 101, 109)]
  let transposes = [(false, false), (false, true), (true, false), (true, true)]
  let additions: [(Float, Bool)] = [(1, false), (0.5, true)]
  return sizes.allSatisfy { rows, columns, depth in
    transposes.allSatisfy { a, b in
      additions.allSatisfy { scale, accumulates in
        let product = MatrixProduct(
          rows: rows, columns: columns, depth: depth, transposesA: a, transposesB: b,
          scale: scale, accumulates: accumulates)
        return computesCorrectly(product, multiply)
      }
    }
  }
}

private func computesCorrectly(_ product: MatrixProduct, _ multiply: ProductKernel) -> Bool {
  let (rows, columns) = (product.rows, product.columns)
  let a = Factor(rows: rows, columns: product.depth, isTransposed: product.transposesA, seed: 1)
  let b = Factor(rows: product.depth, columns: columns, isTransposed: product.transposesB, seed: 2)
  // What was in the memory before must not matter, unless it is added to.
  let before: Float = product.accumulates ? 0.25 : .nan
  let (stride, untouched) = (columns + gap, Float(-77))
  var c = (0..<rows * stride).map { $0 % stride < columns ? before : untouched }
  a.values.withPointer(count: a.values.count) { a_ in
    b.values.withPointer(count: b.values.count) { b_ in
      c.withMutablePointer(count: c.count) { c_ in
        multiply(product, Block(a_, a.stride), Block(b_, b.stride), Block(c_, stride))
      }
    }
  }

  func isCorrect(_ row: Int, _ column: Int) -> Bool {
    var (sum, magnitude) = (0.0, 0.0)
    for i in 0..<product.depth {
      let term = Double(a[row, i]) * Double(b[i, column])
      sum += term
      magnitude += abs(term)
    }
    let exact = Double(product.scale) * sum + (product.accumulates ? Double(before) : 0)
    // Also false where the result is not a number.
    return abs(Double(c[row * stride + column]) - exact) <= 1e-5 * (magnitude + 1)
  }
  // Of a large product only some numbers, from every row and every column.
  let places = rows * columns <= 1024 ? rows * columns : max(rows, columns)
  return (0..<places).allSatisfy { place in
    places == rows * columns
      ? isCorrect(place / columns, place % columns) : isCorrect(place % rows, place % columns)
  } && c.indices.allSatisfy { $0 % stride < columns || c[$0] == untouched }
}

/// How much further apart the rows of every matrix are than they are wide.
private let gap = 3

/// A matrix of numbers in −0.5..<0.5, the same from the same seed.
private struct Factor {
  let values: [Float]
  let stride: Int
  let isTransposed: Bool

  init(rows: Int, columns: Int, isTransposed: Bool, seed: UInt64) {
    stride = (isTransposed ? rows : columns) + gap
    self.isTransposed = isTransposed
    // Knuth's linear congruential generator.
    var state = seed
    values = (0..<(isTransposed ? columns : rows) * stride).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24) - 0.5
    }
  }

  subscript(row: Int, column: Int) -> Float {
    values[isTransposed ? column * stride + row : row * stride + column]
  }
}
