/// What computes in this process: for `blip info --cpu`, benchmarks and reports of errors.
public struct ComputeReport: Sendable, Equatable {
  /// The processor.
  public let processor: Processor
  /// blip's own kernels, which compute nearly everything.
  public let kernels: KernelBuild
  /// What multiplies matrices that are not packed.
  public let matrixKernels: MatrixKernels
  /// OpenBLAS's core types that were tried and computed wrong results.
  public let wrongCoreTypes: [String]
  /// How many threads one operation may use.
  public let threads: Int

  /// Chooses the kernels if no product has yet, which loads OpenBLAS.
  public static var current: ComputeReport {
    let chosen = ChosenMatrixKernel.shared
    return ComputeReport(
      processor: .current, kernels: .best, matrixKernels: chosen.kernels,
      wrongCoreTypes: chosen.wrong, threads: currentComputeThreads)
  }

  /// A line for the user where a kernel computed wrong results, and so another is used.
  public var warning: String? {
    guard !wrongCoreTypes.isEmpty else { return nil }
    return "OpenBLAS computes wrong results with its kernels for "
      + wrongCoreTypes.joined(separator: " and ") + " on this processor; using \(matrixKernels)"
  }
}

extension ComputeReport: CustomStringConvertible {
  /// One line.
  public var description: String {
    let name = processor.name.isEmpty ? "unknown processor" : processor.name
    return "\(name); blip's kernels: \(kernels.instructionSets.joined(separator: " ")); "
      + "matrices: \(matrixKernels); threads: \(threads)"
  }
}

extension MatrixKernels: CustomStringConvertible {
  /// A part of a line: "OpenBLAS 0.3.21, SkylakeX kernels (chosen by blip; …)".
  public var description: String {
    switch self {
    case .openBLAS(let version, let coreType, let chooser):
      return "OpenBLAS \(version), \(coreType) kernels (\(chooser))"
    case .own(.notInstalled): return "blip's own kernels (OpenBLAS is not installed)"
    case .own(.littleMemory):
      return "blip's own kernels (OpenBLAS would take more address space than ulimit -v leaves)"
    case .own(.usedByProgram):
      return "blip's own kernels (another part of the program uses OpenBLAS)"
    case .own(.wrongResults): return "blip's own kernels (OpenBLAS's compute wrong results)"
    }
  }
}

extension MatrixKernels.Chooser: CustomStringConvertible {
  /// A part of a line.
  public var description: String {
    switch self {
    case .openBLAS: "chosen by OpenBLAS"
    case .user: "chosen by OPENBLAS_CORETYPE"
    case .blip(let other): "chosen by blip; OpenBLAS's own choice is \(other)"
    }
  }
}
