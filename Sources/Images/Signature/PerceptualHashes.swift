internal import Glibc

/// Perceptual hashes of a picture and of the parts that a slight crop leaves of it: near-identical
/// pictures have hashes that differ in a few bits, also after resizing, recompression or brightening.
///
/// A hash has a bit for each of the lowest frequencies of luma, which says whether the coefficient of its
/// discrete cosine transform is above the median (Zauner, Implementation and Benchmarking of Perceptual
/// Image Hash Functions, 2010, section 3.1.1). A crop moves everything in a picture; so a picture also has
/// the hashes of its own crops, and a cropped copy has about the hash of one of these.
public struct PerceptualHashes: Sendable, Equatable {
  /// The parts in each direction: the whole, and nine tenths at its beginning, middle and end.
  private static let spans = [0..<1, 0..<0.9, 0.05..<0.95, 0.1..<1.0]

  /// Hashes of a picture: of the whole, then of its parts.
  public static let count = spans.count * spans.count

  /// The side of the grid of luma that they are computed from.
  private static let side = 64
  /// Frequencies in each direction.
  private static let frequencies = 8
  /// Samples that a span is divided into, as many as in Zauner's transform.
  private static let samples = 32
  /// The least standard deviation of luma (0 to 255) of a picture with a hash: of a blank one, all bits
  /// are noise.
  private static let leastContrast: Float = 3

  /// A picture has a plain background if so large a share of it has one luma: drawings, not photographs.
  private static let plainShare = 0.14

  /// The whole picture's first; all 0 for a picture without details. Of a picture with a plain background the
  /// parts are 0: drawings that differ in a stroke have hashes that differ in a few bits, and crops of them
  /// would match others.
  public let values: [UInt64]

  /// The hash of the whole picture.
  public var whole: UInt64 { values[0] }

  /// False for a blank picture, whose hashes say nothing.
  public var hasDetails: Bool { whole != 0 }

  /// Whether the picture has a plain background; then only hashes that are almost equal mean anything.
  public var isPlain: Bool { values.dropFirst().allSatisfy { $0 == 0 } }

  /// The stored hashes; nil if there are not `count` of them.
  public init?(values: [UInt64]) {
    guard values.count == Self.count else { return nil }
    self.values = values
  }

  /// The hashes of a picture.
  public init(of picture: Picture) {
    let side = Self.side
    let luma = picture.resized(width: side, height: side).luma()
    let mean = luma.reduce(0, +) / Float(luma.count)
    let variance = luma.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(luma.count)
    guard variance.squareRoot() >= Self.leastContrast else {
      values = Array(repeating: 0, count: Self.count)
      return
    }
    if Self.isPlain(luma) {
      let whole = Self.transforms[0]
      let hash = Self.hash(
        Self.transformedColumns(Self.transformedRows(luma, by: whole), by: whole))
      values = [hash] + Array(repeating: 0, count: Self.count - 1)
      return
    }
    // [span][row][frequency]: the rows of the grid, transformed along each span.
    let rows = Self.transforms.map { Self.transformedRows(luma, by: $0) }
    values = Self.transforms.flatMap { vertical in
      rows.map { Self.hash(Self.transformedColumns($0, by: vertical)) }
    }
  }

  /// The smallest number of different bits between the hash of one picture and those of the other; where one
  /// has a plain background, those of the whole pictures.
  public func distance(to other: PerceptualHashes) -> Int {
    var least = (whole ^ other.whole).nonzeroBitCount
    if isPlain || other.isPlain { return least }
    for index in values.indices.dropFirst() {
      least = min(
        least, (whole ^ other.values[index]).nonzeroBitCount,
        (values[index] ^ other.whole).nonzeroBitCount)
    }
    return least
  }

  private static func isPlain(_ luma: [Float]) -> Bool {
    var counts = [Int](repeating: 0, count: 256)
    for value in luma { counts[Int(min(max(value.rounded(), 0), 255))] += 1 }
    return Double(counts.max()!) >= plainShare * Double(luma.count)
  }

  /// [frequency][place]: what each place of the grid counts in the coefficients of a span.
  private static let transforms: [[Float]] = spans.map { span in
    let step = (span.upperBound - span.lowerBound) * Double(side) / Double(samples)
    var weights = [Float](repeating: 0, count: frequencies * side)
    for sample in 0..<samples {
      let start = span.lowerBound * Double(side) + Double(sample) * step
      for place in Int(start)..<min(side, Int((start + step).rounded(.up))) {
        let overlap = min(start + step, Double(place + 1)) - max(start, Double(place))
        for frequency in 0..<frequencies {
          let angle = Double.pi * (Double(sample) + 0.5) * Double(frequency) / Double(samples)
          weights[frequency * side + place] += Float(overlap / step * cos(angle))
        }
      }
    }
    return weights
  }

  private static func transformedRows(_ luma: [Float], by transform: [Float]) -> [Float] {
    var result = [Float](repeating: 0, count: side * frequencies)
    for row in 0..<side {
      for frequency in 0..<frequencies {
        var sum: Float = 0
        for place in 0..<side {
          sum += luma[row * side + place] * transform[frequency * side + place]
        }
        result[row * frequencies + frequency] = sum
      }
    }
    return result
  }

  private static func transformedColumns(_ rows: [Float], by transform: [Float]) -> [Float] {
    var result = [Float](repeating: 0, count: frequencies * frequencies)
    for vertical in 0..<frequencies {
      for row in 0..<side {
        let weight = transform[vertical * side + row]
        for horizontal in 0..<frequencies {
          result[vertical * frequencies + horizontal] +=
            weight * rows[row * frequencies + horizontal]
        }
      }
    }
    return result
  }

  /// The bits of coefficients above their median; the first coefficient, the mean of luma, is left out.
  private static func hash(_ coefficients: [Float]) -> UInt64 {
    let median = coefficients.dropFirst().sorted()[(coefficients.count - 1) / 2]
    var hash: UInt64 = 0
    for (bit, coefficient) in coefficients.enumerated().dropFirst() where coefficient > median {
      hash |= 1 << UInt64(bit)
    }
    return hash
  }
}

extension Picture {
  /// Luma of every pixel, 0 to 255.
  func luma() -> [Float] {
    [Float](unsafeUninitializedCapacity: width * height) { luma, count in
      pixels.withUnsafeBufferPointer { pixels in
        for index in 0..<width * height {
          luma[index] = Images.luma(
            red: Float(pixels[3 * index]), green: Float(pixels[3 * index + 1]),
            blue: Float(pixels[3 * index + 2]))
        }
      }
      count = width * height
    }
  }
}
