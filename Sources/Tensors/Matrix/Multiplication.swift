internal import COpenBLAS

/// Where a block of a row-major matrix begins, and how far apart its rows are.
struct Block<Pointer> {
  let start: Pointer
  let stride: Int

  init(_ start: Pointer, _ stride: Int) {
    self.start = start
    self.stride = stride
  }
}

/// c = scale · op(a) · op(b), where op transposes what is called transposed.
/// - Parameters:
///   - c: Becomes `[rows of op(a), columns of op(b)]`, or has this shape where the product is added.
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
  a.withPointer { a_ in
    b.withPointer { b_ in
      c.withMutablePointer {
        multiplyInParallel(
          rows: rows, columns: columns, depth: depth, aTransposed: aTransposed, scale: scale,
          Block(a_, a.columns), Block(b_, b.columns), transposed: bTransposed,
          into: Block($0, columns), accumulating: accumulating)
      }
    }
  }
}

/// The same with a as it is.
public func multiply(
  _ a: Matrix, by b: Matrix, transposed: Bool = false, scale: Float = 1, into c: inout Matrix,
  accumulating: Bool = false
) {
  multiply(
    a, transposed: false, by: b, transposed: transposed, scale: scale, into: &c,
    accumulating: accumulating)
}

/// `multiply` below, divided among threads along the longer side of c.
func multiplyInParallel(
  rows m: Int, columns n: Int, depth k: Int, aTransposed: Bool = false, scale: Float = 1,
  _ a: Block<UnsafePointer<Float>>,
  _ b: Block<UnsafePointer<Float>>, transposed bTransposed: Bool,
  into c: Block<UnsafeMutablePointer<Float>>, accumulating: Bool = false
) {
  let byRows = m >= n
  inParallel(rows: byRows ? m : n, multipleOf: 16, operations: m * n * k) { part in
    let first = part.lowerBound
    let a_ = a.start + (byRows ? first * (aTransposed ? 1 : a.stride) : 0)
    let b_ = b.start + (byRows ? 0 : first * (bTransposed ? b.stride : 1))
    multiply(
      rows: byRows ? part.count : m, columns: byRows ? n : part.count, depth: k,
      aTransposed: aTransposed, scale: scale, Block(a_, a.stride), Block(b_, b.stride),
      transposed: bTransposed,
      into: Block(c.start + first * (byRows ? c.stride : 1), c.stride),
      accumulating: accumulating)
  }
}

/// c [m, n] = scale · a · b + (accumulating ? c : 0), with a [k, m] and b [n, k] where they are to be
/// transposed, [m, k] and [k, n] otherwise: the one call into OpenBLAS.
func multiply(
  rows m: Int, columns n: Int, depth k: Int, aTransposed: Bool = false, scale: Float = 1,
  _ a: Block<UnsafePointer<Float>>,
  _ b: Block<UnsafePointer<Float>>, transposed bTransposed: Bool,
  into c: Block<UnsafeMutablePointer<Float>>, accumulating: Bool = false
) {
  guard m > 0, n > 0 else { return }
  _ = oneThread
  cblas_sgemm(
    CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans,
    bTransposed ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), scale, a.start,
    blasint(a.stride), b.start, blasint(b.stride), accumulating ? 1 : 0, c.start,
    blasint(c.stride))
}

/// What OpenBLAS is given are small pieces of an operation that is divided among threads already.
private let oneThread: Void = openblas_set_num_threads(1)
