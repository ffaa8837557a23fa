import CKernels
public import Tensors

extension KernelBuild {
  /// Runs a body with each build that this processor supports. The choice applies to the whole
  /// process, so the suite must be `.ownsProcess`. Afterwards the best is in use again.
  public static func withEach(_ body: (KernelBuild) throws -> Void) rethrows {
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
