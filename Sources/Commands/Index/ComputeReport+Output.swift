import Files
import Retrieval
import Tensors

/// What `blip info --cpu` shows.
extension ComputeReport {
  var table: String {
    var facts = [
      ("processor", processor.name.isEmpty ? "unknown" : printable(processor.name)),
      ("threads", "\(threads)"),
      ("blip's kernels", kernels.instructionSets.joined(separator: ", ")),
    ]
    switch matrixKernels {
    case .openBLAS(let version, let coreType, let chooser):
      facts.append(("OpenBLAS", version))
      facts.append(("OpenBLAS's kernels", "\(coreType), \(chooser)"))
    case .own:
      facts.append(("OpenBLAS", "not used: \(matrixKernels)"))
    }
    if let warning { facts.append(("warning", warning)) }
    return Table.facts(facts)
  }

  var json: JSONOutput {
    var openBLAS: JSONOutput?
    if case .openBLAS(let version, let coreType, let chooser) = matrixKernels {
      let (name, other) = names(of: chooser)
      openBLAS = .object([
        ("version", .string(version)), ("core_type", .string(coreType)),
        ("chosen_by", .string(name)), ("own_choice", other.map { .string($0) }),
      ])
    }
    return .object([
      ("processor", .string(processor.name)), ("threads", .integer(threads)),
      ("kernels", .string("\(kernels)")),
      ("instruction_sets", .array(kernels.instructionSets.map { .string($0) })),
      ("openblas", openBLAS), ("warning", warning.map { .string($0) }),
    ])
  }

  /// The chooser, and OpenBLAS's own choice where it was not taken.
  private func names(of chooser: MatrixKernels.Chooser) -> (String, String?) {
    switch chooser {
    case .openBLAS: ("openblas", nil)
    case .user: ("user", nil)
    case .blip(let other): ("blip", other)
    }
  }
}
