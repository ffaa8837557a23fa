internal import Glibc

/// Random numbers that are a pure function of a key and of the number of previous draws: SplitMix64
/// seeded with a hash of the key's parts. No state is carried from one picture, epoch or step to
/// the next, so work can be divided among threads, stopped and resumed without changing a draw.
package struct SeededDraws: Sendable {
  private var state: UInt64

  /// Draws for a key, such as a seed, an epoch and a picture's index.
  package init(_ key: UInt64...) {
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
  package mutating func uniform(in range: ClosedRange<Double> = 0...1) -> Double {
    let unit = Double(next() >> 11) * 0x1p-53
    return range.lowerBound + (range.upperBound - range.lowerBound) * unit
  }

  /// A uniform integer from 0 to `bound` − 1.
  package mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0)
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True with probability 1/2.
  package mutating func coin() -> Bool { next() >> 63 == 1 }

  /// The elements in random order (Fisher and Yates).
  package mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var elements = elements
    for index in elements.indices.dropFirst().reversed() {
      elements.swapAt(index, below(index + 1))
    }
    return elements
  }
}

extension SeededDraws {
  /// The box of a random resized crop, as torchvision's `RandomResizedCrop.get_params` draws it:
  /// its fraction of the picture's area is uniform in `scale`, its aspect ratio log-uniform between
  /// 3/4 and 4/3, and its position uniform. If ten draws do not fit the picture, it is the largest
  /// centred box with an allowed aspect ratio.
  package mutating func crop(width: Int, height: Int, scale: ClosedRange<Double>) -> CropBox {
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
