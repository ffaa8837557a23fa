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

/// c [m, n] = scale · a [m, k] · b + (accumulating ? c : 0), with b [n, k] where it is to be
/// transposed and [k, n] otherwise: the one call into OpenBLAS.
func multiply(
  rows m: Int, columns n: Int, depth k: Int,
  scale: Float = 1,
  _ a: Block<UnsafePointer<Float>>,
  _ b: Block<UnsafePointer<Float>>, transposed: Bool,
  into c: Block<UnsafeMutablePointer<Float>>, accumulating: Bool = false
) {
  guard m > 0, n > 0 else { return }
  _ = oneThread
  cblas_sgemm(
    CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans,
    blasint(m), blasint(n), blasint(k), scale, a.start, blasint(a.stride), b.start,
    blasint(b.stride), accumulating ? 1 : 0, c.start, blasint(c.stride))
}

/// What OpenBLAS is given are small pieces of an operation that is divided among threads already.
private let oneThread: Void = openblas_set_num_threads(1)
