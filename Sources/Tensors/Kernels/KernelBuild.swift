internal import CKernels

/// A build of blip's own kernels, all from the same source. The processor decides which is used.
public enum KernelBuild: Int, Sendable, CaseIterable {
  /// For every processor of the architecture.
  case portable
  /// For AVX2 with FMA.
  case avx2
  /// For AVX-512 with VNNI and BF16, which multiply 8-bit integers and bfloat16 directly.
  case avx512

  /// The fastest that this processor supports, which is the one in use.
  public static var best: KernelBuild {
    guard let best = KernelBuild(rawValue: Int(kernel_best_build().rawValue)) else {
      preconditionFailure("unknown build of the kernels")
    }
    return best
  }

  /// The vector instructions that it uses.
  public var instructionSets: [String] {
    switch self {
    case .portable: ["baseline"]
    case .avx2: ["AVX2", "FMA"]
    case .avx512: ["AVX-512", "VNNI", "BF16"]
    }
  }
}
