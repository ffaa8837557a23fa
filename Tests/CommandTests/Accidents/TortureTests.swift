import Glibc
import Testing

/// A loop of changes to a collection and of runs that are killed, at any moment of a run or just as it
/// writes, held against a model of the truth.
///
/// BLIP_TORTURE_KILLS=5000 goes on for so many kills, BLIP_TORTURE_SEED=7 draws other changes and
/// moments; with BLIP_BINARY naming a release build a kill takes about a second.
@Suite("An index whose runs are killed") struct TortureTests {
  @Test("loses no picture that it held, keeps no ghost, and always opens")
  func torture() throws {
    let kills = Self.setting("BLIP_TORTURE_KILLS") ?? 12
    let seed = Self.setting("BLIP_TORTURE_SEED") ?? 1
    var index = try TorturedIndex(seed: UInt64(seed))
    while index.kills < kills {
      let before = index.kills
      try index.round()
      if index.kills > before, index.kills % 100 == 0 { print("torture, seed \(seed): \(index)") }
    }
    try index.finish()
    print("torture, seed \(seed): \(index)")
  }

  private static func setting(_ name: String) -> Int? {
    getenv(name).flatMap { Int(String(cString: $0)) }
  }
}
