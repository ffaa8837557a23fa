import TestSupport
import Testing

@testable import Checkpoints

@Suite("Damaged PyTorch files")
struct PyTorchFuzzTests {
  @Test("give an error or tensors, never a trap", arguments: [1, 2, 3, 4] as [UInt64])
  func anErrorOrTensors(seed: UInt64) throws { try PyTorchFuzz.fuzz(seed: seed, rounds: 150) }

  @Test("give the same in a longer run", .longFuzzing)
  func forLong() throws { try PyTorchFuzz.fuzzForLong() }
}

/// A damaged PyTorch checkpoint gives a `CheckpointError` or readable tensors.
private struct PyTorchFuzz: FuzzTarget {
  static let inputs = "PyTorch files"

  private let folder = TemporaryFolder()
  private let files: [[UInt8]]
  private var mutator: Mutator

  init(seed: UInt64) throws {
    // Damage has most effect in the pickle at the start and the zip directory at the end.
    mutator = Mutator(
      seed: seed, focus: .ends(head: 30_000, tail: 1000),
      dictionary: (UInt8.min...UInt8.max).filter { PickleOpcode(rawValue: $0) != nil }.map { [$0] })
    files = try [
      "formats/retrieval/original.pth", "formats/retrieval/half.bin", "formats/pretraining.pth",
      "hostile/good.bin", "hostile/doubling.bin", "hostile/nested.bin", "hostile/system-4.bin",
      "hostile/newobj-ex.bin", "hostile/cycle.bin", "hostile/zip-nested.bin",
    ].map { try CheckpointFixtures.bytes("\(CheckpointFixtures.path)/\($0)") }
  }

  mutating func round(_ tally: inout FuzzTally) throws {
    let path = folder.write("x.bin", mutator.mutated(mutator.pick(files)))
    try tally.count(rejectedBy: CheckpointError.self) {
      let weights = try Weights(source: path, model: readPyTorch(path))
      weights.forEachStored { _, tensor in
        #expect(tensor.count == tensor.shape.reduce(1, *))
        _ = tensor.withBytes { bytes in (bytes.first ?? 0) ^ (bytes.last ?? 0) }
      }
    } rejection: { error in
      #expect(error.description.hasPrefix(path) && !error.description.contains("\n"))
    }
  }
}
