import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// A `data.mdb` in which bytes are others than were written, anywhere: every command gives an answer or
/// one line that says what is wrong, and never dies of a signal or goes on for ever.
///
/// BLIP_FUZZ_SECONDS=600 goes on with new seeds for so long, from BLIP_FUZZ_SEED, each printed before it
/// is tried; with BLIP_BINARY naming a release build it tries some thousand.
@Suite("An index whose file is damaged") struct DamageTests {
  private static let seconds = getenv("BLIP_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) }

  @Test("answers, or says so in one line", arguments: 1...6 as ClosedRange<UInt64>)
  func anAnswerOrALine(_ seed: UInt64) throws { _ = try tryOut(seed) }

  @Test(
    "for as long as is wanted",
    .enabled(if: seconds != nil, "set BLIP_FUZZ_SECONDS to go on longer"))
  func forLong() throws {
    let end = ContinuousClock.now + .seconds(Self.seconds ?? 0)
    var seed = getenv("BLIP_FUZZ_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1000
    var (answers, refusals) = (0, 0)
    while ContinuousClock.now < end {
      print("damaging data.mdb with seed \(seed)")
      fflush(nil)
      let tried = try tryOut(seed)
      (answers, refusals) = (answers + tried.answers, refusals + tried.refusals)
      seed += 1
    }
    print("damaged data.mdb: \(refusals) times an error, \(answers) times an answer")
  }

  private func tryOut(_ seed: UInt64) throws -> (answers: Int, refusals: Int) {
    var random = SeededGenerator(seed: seed)
    let file = URL(filePath: "\(Shared.collection.index)/data.mdb")
    var bytes = [UInt8](try Data(contentsOf: file))
    // Most of the file is empty, and one of the two meta pages is enough to open it.
    let filled = bytes.indices.filter { bytes[$0] != 0 && $0 >= 8192 }
    for _ in 0..<[1, 4, 30].randomElement(using: &random)! {
      let place = filled.randomElement(using: &random)!
      bytes[place] = Bool.random(using: &random) ? .random(in: 0...255, using: &random) : 0xff
    }
    let folder = TemporaryFolder()
    folder.write("data.mdb", bytes)
    var tried = (answers: 0, refusals: 0)
    for command in [
      ["info", "--failures"], ["search", "a red wall"], ["search", "stripes", "--exact"], ["check"],
    ] {
      let outcome = BlipProcess(
        command + ["--index", folder.path], launcher: ["timeout", "-s", "KILL", "60"]
      ).outcome()
      guard outcome.status != 0 else {
        tried.answers += 1
        continue
      }
      tried.refusals += 1
      #expect(outcome.status == 1, "seed \(seed), \(command): \(outcome.status)")
      #expect(outcome.errorLines.count == 1, "seed \(seed), \(command): \(outcome.errors)")
      #expect(outcome.errors.hasPrefix("blip: "), "seed \(seed), \(command): \(outcome.errors)")
    }
    return tried
  }
}
