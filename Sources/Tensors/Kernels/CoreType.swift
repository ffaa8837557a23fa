/// OpenBLAS's core types: the names of the processors that its kernels are written for, of which it
/// uses one. A version that is older than the processor does not know it and uses the kernels of a
/// much older one: 0.3.21 those of Prescott (SSE3, of 2004) on Intel's Emerald Rapids.
enum CoreType {
  /// The core types to use instead of OpenBLAS's own choice, the fastest first; none where that is
  /// as good as any. A name that is not known here belongs to a later version, which knows better.
  static func better(than choice: String, on processor: Processor) -> [String] {
    guard let chosen = instructions[choice.lowercased()] else { return [] }
    return candidates.filter { $0.needs > chosen && $0.needs.isSupported(by: processor) }
      .map(\.name)
  }

  /// The vector instructions of a core type's kernels.
  private enum Instructions: Int, Comparable {
    case sse, avx, avx2, avx512

    static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    func isSupported(by processor: Processor) -> Bool {
      switch self {
      case .sse, .avx: true
      case .avx2: processor.hasAVX2
      case .avx512: processor.hasAVX512
      }
    }
  }

  /// Kernels that are in every version since 0.3 and have been correct in all of them. Those of
  /// later AVX-512 core types (Cooperlake, SapphireRapids) are no faster for 32-bit floats and have
  /// had errors.
  private static let candidates: [(name: String, needs: Instructions)] = [
    ("SkylakeX", .avx512), ("Haswell", .avx2),
  ]

  private static let instructions: [String: Instructions] = {
    var all: [String: Instructions] = [:]
    let sse = [
      "katmai", "coppermine", "northwood", "prescott", "banias", "atom", "core2", "penryn",
      "dunnington", "nehalem", "athlon", "opteron", "opteron_sse3", "barcelona", "nano", "bobcat",
    ]
    for name in sse { all[name] = .sse }
    for name in ["sandybridge", "bulldozer", "piledriver", "steamroller"] { all[name] = .avx }
    for name in ["haswell", "zen", "excavator"] { all[name] = .avx2 }
    for name in ["skylakex", "cooperlake", "sapphirerapids"] { all[name] = .avx512 }
    return all
  }()
}
