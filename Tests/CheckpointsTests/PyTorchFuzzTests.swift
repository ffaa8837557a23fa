import Glibc
import TestSupport
import Testing

@testable import Checkpoints

/// Checkpoints of PyTorch with damage of every kind: each gives a `CheckpointError` or tensors whose
/// bytes can be read, and none a trap, a read beyond the file or memory without bound.
///
/// BLIP_FUZZ_SECONDS=600 goes on with new seeds for so long, from BLIP_FUZZ_SEED; each seed is printed
/// before its files are tried, so that the last one printed is the one that found something.
@Suite("Damaged PyTorch files")
struct PyTorchFuzzTests {
  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
  private static let seconds = variable("BLIP_FUZZ_SECONDS").flatMap(Double.init)

  @Test("Give an error or tensors, never a trap", arguments: [1, 2, 3, 4] as [UInt64])
  func anErrorOrTensors(seed: UInt64) throws {
    var fuzz = try PyTorchFuzz(seed: seed)
    for _ in 0..<150 { try fuzz.round() }
    // Both happen, or the damage is of no use.
    #expect(fuzz.refused > 0 && fuzz.taken > 0)
  }

  @Test(
    "The same for long", .enabled(if: seconds != nil, "set BLIP_FUZZ_SECONDS to fuzz for longer"))
  func forLong() throws {
    let end = ContinuousClock.now + .seconds(Self.seconds ?? 0)
    var seed = Self.variable("BLIP_FUZZ_SEED").flatMap(UInt64.init) ?? 1000
    var (refused, taken) = (0, 0)
    while ContinuousClock.now < end {
      print("fuzzing PyTorch files with seed \(seed)")
      fflush(nil)
      var fuzz = try PyTorchFuzz(seed: seed)
      for _ in 0..<2000 { try fuzz.round() }
      (refused, taken) = (refused + fuzz.refused, taken + fuzz.taken)
      seed += 1
    }
    print("fuzzed PyTorch files: \(refused) were refused, \(taken) were taken")
  }
}

/// Damages one file of the corpus and reads it.
private struct PyTorchFuzz {
  private let folder = TemporaryFolder()
  private let files: [[UInt8]]
  private var random: SeededGenerator
  private(set) var refused = 0
  private(set) var taken = 0

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    let names = [
      "formats/retrieval/original.pth", "formats/retrieval/half.bin", "formats/pretraining.pth",
      "hostile/good.bin",
      "hostile/doubling.bin", "hostile/nested.bin", "hostile/system-4.bin",
      "hostile/newobj-ex.bin", "hostile/cycle.bin", "hostile/zip-nested.bin",
    ]
    files = try names.map { try CheckpointFixtures.bytes("\(CheckpointFixtures.path)/\($0)") }
  }

  mutating func round() throws {
    let path = folder.write("x.bin", damaged(files.randomElement(using: &random)!))
    do {
      let weights = try Weights(source: path, model: readPyTorch(path))
      weights.forEachStored { _, tensor in
        #expect(tensor.count == tensor.shape.reduce(1, *))
        _ = tensor.withBytes { bytes in (bytes.first ?? 0) ^ (bytes.last ?? 0) }
      }
      taken += 1
    } catch {
      refused += 1
      #expect(error.description.hasPrefix(path) && !error.description.contains("\n"))
    }
  }

  /// Where damage does something: the pickle, which comes first, the zip's directory, which comes
  /// last, or anywhere.
  private mutating func place(in bytes: [UInt8]) -> Int {
    switch Int.random(in: 0..<4, using: &random) {
    case 0, 1: .random(in: 0..<min(bytes.count, 30_000), using: &random)
    case 2: .random(in: max(0, bytes.count - 1000)..<bytes.count, using: &random)
    default: .random(in: 0..<bytes.count, using: &random)
    }
  }

  private mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
    var damaged = bytes
    for _ in 0..<[1, 1, 2, 5, 20].randomElement(using: &random)! {
      guard !damaged.isEmpty else { return damaged }
      let place = place(in: damaged)
      let length = min(damaged.count - place, [1, 2, 4, 8, 40].randomElement(using: &random)!)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: damaged[place] = .random(in: 0...255, using: &random)
      case 2: damaged[place] = Self.opcodes.randomElement(using: &random)!
      case 3: for offset in 0..<length { damaged[place + offset] = 0xFF }
      case 4: for offset in 0..<length { damaged[place + offset] = 0 }
      case 5:
        let source = self.place(in: damaged)
        for offset in 0..<min(length, damaged.count - source) {
          damaged[place + offset] = damaged[source + offset]
        }
      case 6: damaged.removeSubrange(place..<place + length)
      default: damaged.insert(contentsOf: damaged[place..<place + length], at: place)
      }
    }
    return damaged
  }

  private static let opcodes = (UInt8.min...UInt8.max).filter { PickleOpcode(rawValue: $0) != nil }
}
