internal import COpenBLAS
internal import Glibc

/// OpenBLAS, loaded into this process. It is not linked, so that a search, whose weights are packed
/// for blip's own kernels, starts without it.
struct OpenBLAS: Sendable {
  let version: String
  let coreType: String
  let multiply: ProductKernel
  /// Nothing may multiply by it afterwards.
  let unload: @Sendable () -> Void
}

extension OpenBLAS {
  /// Whether another part of the program has loaded it.
  static var isLoaded: Bool { openblas_is_loaded() }

  /// Whether the process may have the address space that it takes on all processors.
  static var hasRoom: Bool { openblas_has_room(Int32(processors)) }

  /// What the user's environment says; OpenBLAS obeys.
  static var coreTypeOfUser: String? {
    guard let value = getenv("OPENBLAS_CORETYPE").map({ String(cString: $0) }), !value.isEmpty
    else { return nil }
    return value
  }

  /// Loads it with the kernels of a core type, or its own or the user's choice. nil where it is not
  /// installed.
  init?(coreType: String?) {
    var library = openblas()
    guard openblas_load(coreType, &library), let sgemm = library.sgemm else { return nil }
    nonisolated(unsafe) let loaded = library
    // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …"
    let words = String(cString: library.configuration).split(separator: " ")
    version = words.count > 1 ? String(words[1]) : ""
    self.coreType = String(cString: library.core_type)
    unload = { openblas_unload(loaded) }
    multiply = { product, a, b, c in
      sgemm(
        CblasRowMajor, product.transposesA ? CblasTrans : CblasNoTrans,
        product.transposesB ? CblasTrans : CblasNoTrans, blasint(product.rows),
        blasint(product.columns), blasint(product.depth), product.scale, a.start,
        blasint(max(a.stride, 1)), b.start, blasint(max(b.stride, 1)),
        product.accumulates ? 1 : 0, c.start, blasint(c.stride))
    }
  }
}
