/// A block of a row-major matrix: its first number, and the distance between the starts of two rows.
struct Block<Pointer> {
  let start: Pointer
  let stride: Int

  init(_ start: Pointer, _ stride: Int) {
    self.start = start
    self.stride = stride
  }
}

/// c = scale · op(a) · op(b), where op transposes a matrix whose `transposed` is true.
/// - Parameters:
///   - c: Takes the shape `[rows of op(a), columns of op(b)]`, or must have it if accumulating.
///   - accumulating: Adds the product to c.
public func multiply(
  _ a: Matrix, transposed aTransposed: Bool, by b: Matrix,
  transposed bTransposed: Bool = false, scale: Float = 1, into c: inout Matrix,
  accumulating: Bool = false
) {
  let (rows, depth) = aTransposed ? (a.columns, a.rows) : (a.rows, a.columns)
  let columns = bTransposed ? b.rows : b.columns
  precondition(depth == (bTransposed ? b.columns : b.rows))
  if accumulating {
    precondition(c.rows == rows && c.columns == columns)
  } else {
    c.reshape(rows: rows, columns: columns)
  }
  let product = MatrixProduct(
    rows: rows, columns: columns, depth: depth, transposesA: aTransposed,
    transposesB: bTransposed, scale: scale, accumulates: accumulating)
  a.withPointer { a_ in
    b.withPointer { b_ in
      c.withMutablePointer {
        product.inParallel(Block(a_, a.columns), Block(b_, b.columns), into: Block($0, columns))
      }
    }
  }
}

/// The same with a not transposed.
public func multiply(
  _ a: Matrix, by b: Matrix, transposed: Bool = false, scale: Float = 1, into c: inout Matrix,
  accumulating: Bool = false
) {
  multiply(
    a, transposed: false, by: b, transposed: transposed, scale: scale, into: &c,
    accumulating: accumulating)
}

/// c [rows, columns] = scale · op(a) · op(b), added to c if it accumulates. a is `[rows, depth]` and
/// b `[depth, columns]`, or the transpose of that.
struct MatrixProduct: Sendable {
  var rows, columns, depth: Int
  var transposesA = false
  var transposesB = false
  var scale: Float = 1
  var accumulates = false

  /// On this thread.
  func callAsFunction(
    _ a: Block<UnsafePointer<Float>>, _ b: Block<UnsafePointer<Float>>,
    into c: Block<UnsafeMutablePointer<Float>>
  ) {
    guard rows > 0, columns > 0 else { return }
    ChosenMatrixKernel.shared.multiply(self, a, b, c)
  }

  /// Divided among threads along the longer side of c.
  func inParallel(
    _ a: Block<UnsafePointer<Float>>, _ b: Block<UnsafePointer<Float>>,
    into c: Block<UnsafeMutablePointer<Float>>
  ) {
    let byRows = rows >= columns
    Tensors.inParallel(
      rows: byRows ? rows : columns, multipleOf: 16, operations: rows * columns * depth
    ) { range in
      let first = range.lowerBound
      var part = self
      if byRows { part.rows = range.count } else { part.columns = range.count }
      let a_ = a.start + (byRows ? first * (transposesA ? 1 : a.stride) : 0)
      let b_ = b.start + (byRows ? 0 : first * (transposesB ? b.stride : 1))
      part(
        Block(a_, a.stride), Block(b_, b.stride),
        into: Block(c.start + first * (byRows ? c.stride : 1), c.stride))
    }
  }
}
