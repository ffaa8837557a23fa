internal import Glibc

/// Random numbers that are a pure function of a key and a position, so that a resumed run draws the same
/// numbers as one that was not interrupted.
public struct CounterRandom: Sendable {
  private let key: UInt64

  /// The numbers of a key.
  public init(key: UInt64) { self.key = key }

  /// Independent numbers for a part of the work: a step, a side, a row.
  public func part(_ number: Int) -> CounterRandom {
    CounterRandom(key: bits(at: UInt64(bitPattern: Int64(number)) ^ 0x5851_F42D_4C95_7F2D))
  }

  /// 64 random bits.
  public func bits(at position: UInt64) -> UInt64 {
    mixed(mixed(key), position)
  }

  /// A number in 0..<1.
  public func uniform(at position: UInt64) -> Double {
    Double(bits(at: position) >> 11) * 0x1p-53
  }

  /// A normally distributed number (Box and Muller).
  public func normal(at position: UInt64) -> Double {
    let radius = (-2 * log(1 - uniform(at: 2 &* position))).squareRoot()
    return radius * cos(2 * .pi * uniform(at: 2 &* position &+ 1))
  }
}

/// A different key for every number: SplitMix64's output function.
package func mixed(_ key: UInt64, _ number: UInt64) -> UInt64 {
  mixed(key &+ (number &+ 1) &* 0x9E37_79B9_7F4A_7C15)
}

private func mixed(_ bits: UInt64) -> UInt64 {
  var bits = bits
  bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
  bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
  return bits ^ (bits >> 31)
}
