import Glibc
public import Testing

/// A reader that is fed damaged inputs: it answers or throws its own error. A trap, a read beyond
/// the end, memory or time without bound ends the tests.
public protocol FuzzTarget {
  /// What is damaged, for a report: `PyTorch files`.
  static var inputs: String { get }

  /// A target that damages its inputs as the seed says.
  init(seed: UInt64) throws

  /// Damages an input and reads it. An answer or an error that should not be is recorded as an
  /// issue, an error of another type is thrown.
  mutating func round(_ tally: inout FuzzTally) throws
}

/// How readers took damaged inputs.
public struct FuzzTally: Sendable {
  /// Inputs that were read, the damage being of no importance or not visible.
  public private(set) var accepted = 0
  /// Inputs that were an error.
  public private(set) var rejected = 0

  /// None yet.
  public init() {}

  /// Reads an input.
  ///
  /// - Parameters:
  ///   - type: The reader's own type of errors; others are thrown.
  ///   - rejection: Looks at an error of that type.
  ///   - body: The reader.
  public mutating func count<Rejection: Error>(
    rejectedBy type: Rejection.Type, _ body: () throws -> Void,
    rejection: (Rejection) -> Void = { _ in }
  ) throws {
    do {
      try body()
      accepted += 1
    } catch let error as Rejection {
      rejected += 1
      rejection(error)
    }
  }
}

extension FuzzTarget {
  /// Fuzzes with a seed. Both outcomes are expected, or the damage is of no use.
  public static func fuzz(seed: UInt64, rounds: Int) throws {
    let tally = try tally(seed: seed, rounds: rounds)
    #expect(tally.accepted > 0 && tally.rejected > 0, "\(tally)")
  }

  /// Fuzzes with new seeds until the time is over that the environment asks for. Each seed is
  /// printed before it is tried: the last one printed is the one that found something.
  public static func fuzzForLong(rounds: Int = 1000) throws {
    let end = ContinuousClock.now + .seconds(Fuzzing.seconds ?? 0)
    var seed = Fuzzing.firstSeed
    while ContinuousClock.now < end {
      print("fuzzing \(inputs) with seed \(seed)")
      fflush(nil)
      print("  \(try tally(seed: seed, rounds: rounds))")
      seed += 1
    }
  }

  private static func tally(seed: UInt64, rounds: Int) throws -> FuzzTally {
    var target = try Self(seed: seed)
    var tally = FuzzTally()
    for _ in 0..<rounds { try target.round(&tally) }
    return tally
  }
}

/// What the environment asks of tests that fuzz: `BLIP_FUZZ_SECONDS=600` lets each of them continue
/// for so long, with new seeds from `BLIP_FUZZ_SEED` on.
public enum Fuzzing {
  static let seconds = getenv("BLIP_FUZZ_SECONDS").flatMap { Double(String(cString: $0)) }
  static let firstSeed =
    getenv("BLIP_FUZZ_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1000
}

extension Trait where Self == ConditionTrait {
  /// Runs a test only where the environment asks for long fuzzing.
  public static var longFuzzing: Self {
    .enabled(if: Fuzzing.seconds != nil, "set BLIP_FUZZ_SECONDS to fuzz for longer")
  }
}
