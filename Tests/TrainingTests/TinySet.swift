import Tensors

@testable import Training

/// The captioned pictures of the trajectory fixture: noise with two captions each.
struct TinySet {
  let captions: [[Int32]]
  let pictures: [FeatureMap]
  /// Captions a picture, and pairs a batch.
  static let (perPicture, pairs) = (2, 6)

  init(_ reference: Reference) throws {
    captions = try reference.texts("captions")
    pictures = (0..<captions.count / Self.perPicture).map(Self.pixels)
  }

  /// The pictures of the reference, a formula of the place in `[3, 32, 32]`.
  private static func pixels(ofPicture picture: Int) -> FeatureMap {
    var pixels = Matrix(rows: 32 * 32, columns: 3)
    for index in 0..<3 * 32 * 32 {
      let value = (index * 7919 + picture * 104_729 + index * index % 1009) % 255
      let (channel, pixel) = (index / (32 * 32), index % (32 * 32))
      pixels.values[pixel * 3 + channel] = Float(Double(value) / 127 - 1)
    }
    return FeatureMap(height: 32, width: 32, pixels: pixels)
  }

  /// The given captions with their pictures.
  func batch(_ chosen: some Collection<Int>) -> TrainingBatch {
    TrainingBatch(
      pictures: FeatureMap(joining: chosen.map { pictures[$0 / Self.perPicture] }),
      texts: chosen.map { captions[$0] },
      pictureNumbers: chosen.map { Int32($0 / Self.perPicture) })
  }
}
