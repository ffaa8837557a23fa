@_exported public import Random

extension SplitMix64 {
  /// A number in -1..<1, a multiple of 2⁻²³.
  public mutating func float() -> Float { Float(next() >> 40) / Float(1 << 23) - 1 }

  /// Numbers in -scale..<scale.
  public mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in float() * scale }
  }
}
