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
