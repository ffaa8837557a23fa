/// What multiplies matrices of 32-bit floats that are not packed: in training, and where a vector
/// index is built.
public enum MatrixKernels: Sendable, Equatable {
  /// OpenBLAS, with the kernels of one of its core types.
  case openBLAS(version: String, coreType: String, chosenBy: Chooser)
  /// Those of `KernelBuild`.
  case own(OwnReason)

  /// Who chose OpenBLAS's core type.
  public enum Chooser: Sendable, Equatable {
    /// OpenBLAS itself.
    case openBLAS
    /// The user, by `OPENBLAS_CORETYPE`.
    case user
    /// blip, as the processor has instructions that OpenBLAS's own choice does not use.
    case blip(insteadOf: String)
  }

  /// Why OpenBLAS is not used.
  public enum OwnReason: Sendable, Equatable {
    /// It is not installed.
    case notInstalled
    /// Another part of the program uses it; its threads and kernels are left alone.
    case usedByProgram
    /// The process may not have the address space for its buffers.
    case littleMemory
    /// All of its kernels that were tried compute wrong results on this processor.
    case wrongResults
  }
}

/// Computes a product.
typealias ProductKernel =
  @Sendable (
    MatrixProduct, _ a: Block<UnsafePointer<Float>>, _ b: Block<UnsafePointer<Float>>,
    _ c: Block<UnsafeMutablePointer<Float>>
  ) -> Void

/// The kernel that is used for products in this process, chosen at the first one.
struct ChosenMatrixKernel: Sendable {
  let multiply: ProductKernel
  let kernels: MatrixKernels
  /// OpenBLAS's core types that were tried and computed wrong results.
  let wrong: [String]

  static let shared: Self = {
    guard !OpenBLAS.isLoaded else { return own(.usedByProgram) }
    guard OpenBLAS.hasRoom else { return own(.littleMemory) }
    return choose(on: .current, coreTypeOfUser: OpenBLAS.coreTypeOfUser, load: OpenBLAS.init)
  }()

  /// Chooses a kernel that computes right results: that of the user's core type if there is one, of
  /// a better core type than OpenBLAS's own choice, or of that; blip's own where none does.
  /// - Parameter load: Loads OpenBLAS with a core type, or its own choice.
  static func choose(
    on processor: Processor, coreTypeOfUser: String?, load: (_ coreType: String?) -> OpenBLAS?
  ) -> Self {
    guard let first = load(nil) else { return own(.notInstalled) }
    var wrong: [String] = []
    func checked(_ library: OpenBLAS, _ chooser: MatrixKernels.Chooser) -> Self? {
      guard computesCorrectly(library.multiply) else {
        wrong.append(library.coreType)
        library.unload()
        return nil
      }
      let kernels = MatrixKernels.openBLAS(
        version: library.version, coreType: library.coreType, chosenBy: chooser)
      return Self(multiply: library.multiply, kernels: kernels, wrong: wrong)
    }
    let better =
      coreTypeOfUser == nil ? CoreType.better(than: first.coreType, on: processor) : []
    guard !better.isEmpty else {
      return checked(first, coreTypeOfUser == nil ? .openBLAS : .user)
        ?? own(.wrongResults, wrong: wrong)
    }
    first.unload()
    for coreType in better {
      guard let library = load(coreType) else { continue }
      // A build without these kernels takes others.
      guard library.coreType.lowercased() == coreType.lowercased() else {
        library.unload()
        continue
      }
      if let chosen = checked(library, .blip(insteadOf: first.coreType)) { return chosen }
    }
    if let library = load(nil), let chosen = checked(library, .openBLAS) { return chosen }
    return own(.wrongResults, wrong: wrong)
  }

  private static func own(_ reason: MatrixKernels.OwnReason, wrong: [String] = []) -> Self {
    Self(multiply: multiplyByOwnKernels, kernels: .own(reason), wrong: wrong)
  }
}
