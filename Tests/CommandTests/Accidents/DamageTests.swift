import FoundationEssentials
import TestSupport
import Testing

/// With BLIP_BINARY naming a release build, long fuzzing tries some thousand files.
@Suite("An index whose file is damaged") struct DamageTests {
  @Test("answers, or says so in one line", arguments: 1...6 as ClosedRange<UInt64>)
  func anAnswerOrALine(_ seed: UInt64) throws {
    var target = try DamagedIndex(seed: seed)
    var tally = FuzzTally()
    try target.round(&tally)
    #expect(tally.accepted + tally.rejected == DamagedIndex.commands.count)
  }

  @Test("for long", .longFuzzing)
  func forLong() throws { try DamagedIndex.fuzzForLong(rounds: 1) }
}

/// A `data.mdb` with bytes that are not what was written: every command gives an answer, or one line
/// that says what is wrong, and never dies of a signal or runs without end.
private struct DamagedIndex: FuzzTarget {
  static let inputs = "data.mdb"
  static let commands = [
    ["info", "--failures"], ["search", "a red wall"], ["search", "stripes", "--exact"], ["check"],
  ]

  private let seed: UInt64
  private var mutator: Mutator
  private let file: [UInt8]
  /// Most of the file is empty, and one of the two meta pages is enough to open it.
  private let filled: [Int]

  init(seed: UInt64) throws {
    self.seed = seed
    mutator = Mutator(seed: seed, dictionary: [[0xFF]], keepsLength: true)
    let bytes = [UInt8](
      try Data(contentsOf: URL(filePath: "\(Shared.collection.index)/data.mdb")))
    file = bytes
    filled = bytes.indices.filter { bytes[$0] != 0 && $0 >= 8192 }
  }

  mutating func round(_ tally: inout FuzzTally) throws {
    struct Failed: Error { let outcome: Outcome }
    var damaged = file
    for (place, byte) in zip(filled, mutator.mutated(filled.map { file[$0] })) {
      damaged[place] = byte
    }
    let folder = TemporaryFolder()
    folder.write("data.mdb", damaged)
    for command in Self.commands {
      try tally.count(rejectedBy: Failed.self) {
        let outcome = BlipProcess(
          command + ["--index", folder.path], launcher: ["timeout", "-s", "KILL", "60"]
        ).outcome()
        guard outcome.status == 0 else { throw Failed(outcome: outcome) }
      } rejection: { failed in
        let outcome = failed.outcome
        #expect(outcome.status == 1, "seed \(seed), \(command): \(outcome.status)")
        #expect(outcome.errorLines.count == 1, "seed \(seed), \(command): \(outcome.errors)")
        #expect(outcome.errors.hasPrefix("blip: "), "seed \(seed), \(command): \(outcome.errors)")
      }
    }
  }
}
