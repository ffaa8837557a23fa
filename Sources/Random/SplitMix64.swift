/// Steele, Lea and Flood's SplitMix64 (2014): the same numbers from the same seed, everywhere, so that work
/// divided among threads, stopped and resumed, or done twice, draws the same.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  fileprivate static let step: UInt64 = 0x9E37_79B9_7F4A_7C15
  private var state: UInt64

  /// A generator that always starts the same.
  public init(seed: UInt64) { state = seed }

  /// A generator for a key, such as a seed, an epoch and a picture's index. No state is carried from one
  /// key to the next.
  public init(key: UInt64...) {
    state = 0
    for part in key { state = mixed((state ^ part) &+ Self.step) &+ Self.step }
  }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= Self.step
    return mixed(state)
  }

  /// Uniform in `range`, with 53 random bits.
  public mutating func uniform(in range: ClosedRange<Double> = 0...1) -> Double {
    let unit = Double(next() >> 11) * 0x1p-53
    return range.lowerBound + (range.upperBound - range.lowerBound) * unit
  }

  /// A uniform integer from 0 to `bound` − 1.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0)
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True with probability 1/2.
  public mutating func coin() -> Bool { next() >> 63 == 1 }

  /// The elements in random order (Fisher and Yates).
  public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var elements = elements
    for index in elements.indices.dropFirst().reversed() {
      elements.swapAt(index, below(index + 1))
    }
    return elements
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

/// SplitMix64's output function: a permutation of the 64-bit numbers whose results look random.
func mixed(_ bits: UInt64) -> UInt64 {
  var bits = bits
  bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
  bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
  return bits ^ (bits >> 31)
}

/// A different key for every number.
public func mixed(_ key: UInt64, _ number: UInt64) -> UInt64 {
  mixed(key &+ (number &+ 1) &* SplitMix64.step)
}
