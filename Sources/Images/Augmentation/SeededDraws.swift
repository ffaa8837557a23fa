internal import Glibc

/// Random numbers that are a pure function of a key and of how many were drawn before: SplitMix64
/// from a state mixed of the key's parts. Nothing is carried from one picture, epoch or step to the
/// next, so work can be cut among threads, stopped and taken up again without changing a draw.
public struct SeededDraws: Sendable {
  private var state: UInt64

  /// Draws for a key, such as a seed, an epoch and a picture.
  public init(_ key: UInt64...) {
    state = 0
    for part in key { state = Self.mixed(state ^ part) &+ Self.step }
  }

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  private static func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value &+ step
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  private mutating func next() -> UInt64 {
    defer { state &+= Self.step }
    return Self.mixed(state)
  }

  /// Uniform in `range`, with 53 random bits.
  public mutating func uniform(in range: ClosedRange<Double> = 0...1) -> Double {
    let unit = Double(next() >> 11) * 0x1p-53
    return range.lowerBound + (range.upperBound - range.lowerBound) * unit
  }

  /// A whole number from 0 to `bound` − 1.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0)
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True half of the time.
  public mutating func coin() -> Bool { next() >> 63 == 1 }

  /// The elements in random order (Fisher and Yates).
  public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var elements = elements
    for index in elements.indices.dropFirst().reversed() {
      elements.swapAt(index, below(index + 1))
    }
    return elements
  }
}

extension SeededDraws {
  /// The box of a random resized crop, as torchvision's `RandomResizedCrop.get_params` draws it: its
  /// share of the picture's area uniform in `scale`, the logarithm of its ratio of width to height
  /// uniform between 3/4 and 4/3, its place uniform; where ten draws do not fit into the picture, the
  /// largest box in its middle whose ratio is allowed.
  public mutating func crop(width: Int, height: Int, scale: ClosedRange<Double>) -> CropBox {
    let ratios = 3.0 / 4...4.0 / 3
    for _ in 0..<10 {
      let area = Double(width) * Double(height) * uniform(in: scale)
      let ratio = exp(uniform(in: log(ratios.lowerBound)...log(ratios.upperBound)))
      let boxWidth = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
      let boxHeight = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
      if 0 < boxWidth, boxWidth <= width, 0 < boxHeight, boxHeight <= height {
        let top = below(height - boxHeight + 1)
        let left = below(width - boxWidth + 1)
        return CropBox(left: left, top: top, width: boxWidth, height: boxHeight)
      }
    }
    var (boxWidth, boxHeight) = (width, height)
    let ratio = Double(width) / Double(height)
    if ratio < ratios.lowerBound {
      boxHeight = Int((Double(width) / ratios.lowerBound).rounded(.toNearestOrEven))
    } else if ratio > ratios.upperBound {
      boxWidth = Int((Double(height) * ratios.upperBound).rounded(.toNearestOrEven))
    }
    return CropBox(
      left: (width - boxWidth) / 2, top: (height - boxHeight) / 2, width: boxWidth,
      height: boxHeight)
  }
}
