internal import BLIP
public import Tensors

/// Pictures as a network takes them, a row a patch: what the frozen layers of a stem made of them, or
/// the pixels of their patches.
public struct PictureBatch: Sendable {
  /// How many there are.
  public let count: Int
  /// `[count · P, C]`
  let patches: Matrix

  /// The pictures whose patches, `[P, C]` each, `BLIPModel.stemOutput` or `Network.patches` gave.
  public init(_ pictures: [Matrix]) {
    precondition(!pictures.isEmpty && pictures.allSatisfy { $0.columns == pictures[0].columns })
    count = pictures.count
    var values: [Float] = []
    values.reserveCapacity(pictures.reduce(0) { $0 + $1.values.count })
    for picture in pictures { values += picture.values }
    patches = Matrix(
      rows: pictures.reduce(0) { $0 + $1.rows }, columns: pictures[0].columns, values: values)
  }

  private init(count: Int, patches: Matrix) {
    self.count = count
    self.patches = patches
  }

  /// Some of the pictures.
  subscript(range: Range<Int>) -> PictureBatch {
    guard range != 0..<count else { return self }
    let rows = patches.rows / count
    return PictureBatch(
      count: range.count,
      patches: patches.rows(range.lowerBound * rows..<range.upperBound * rows))
  }
}

extension Network {
  /// What a network without a stem is given of a normalised picture, `[P, C]`.
  public func patches(of pixels: FeatureMap) -> Matrix { image.patches(of: pixels) }
}
