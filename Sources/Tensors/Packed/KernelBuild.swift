internal import CKernels

/// A build of the vector kernels, all of one source. The processor decides at the first call.
public enum KernelBuild: Int, Sendable, CaseIterable {
  /// For what every processor of the architecture has.
  case portable
  /// AVX2 with FMA.
  case avx2
  /// AVX-512 with VNNI and BF16: integers and bfloat16 have sums of products of their own.
  case avx512

  /// The fastest that this processor allows, which is the one in use.
  public static var best: KernelBuild {
    guard let best = KernelBuild(rawValue: Int(kernel_best_build().rawValue)) else {
      preconditionFailure("a build of the kernels without a name")
    }
    return best
  }

  /// Runs a body with each build that this processor allows, for tests: the choice is the whole
  /// process's. Afterwards the best is in use again.
  package static func withEach(_ body: (KernelBuild) throws -> Void) rethrows {
    defer { use(.best) }
    for build in allCases where build.rawValue <= best.rawValue {
      use(build)
      try body(build)
    }
  }

  private static func use(_ build: KernelBuild) {
    kernel_use_build(kernel_build(rawValue: numericCast(build.rawValue)))
  }
}
