/// Steele, Lea and Flood's SplitMix64 (2014): the same numbers from the same seed, everywhere, so
/// that an index built twice is the same twice.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator that always starts the same.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// `count` of the numbers below `bound`, in ascending order: all where there are no more. Knuth's
  /// selection sampling (algorithm S).
  public static func sample(
    _ count: Int, below bound: Int, using random: inout some RandomNumberGenerator
  ) -> [Int] {
    var chosen: [Int] = []
    chosen.reserveCapacity(min(count, bound))
    for number in 0..<bound where chosen.count < count {
      if Int.random(in: 0..<bound - number, using: &random) < count - chosen.count {
        chosen.append(number)
      }
    }
    return chosen
  }
}
