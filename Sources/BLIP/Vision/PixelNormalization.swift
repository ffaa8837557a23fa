internal import Checkpoints
internal import Images
internal import Tensors

/// The image encoder's input: a pixel p of channel c becomes `(p · rescaleFactor − mean[c]) /
/// standardDeviation[c]`, looked up, as there are only 256 levels of three channels.
struct PixelNormalization: Sendable {
  /// `[256, 3]`
  private let table: [Float]

  init(_ preprocessing: Preprocessing) {
    table = (0..<256).flatMap { level in
      (0..<3).map { channel in
        (Float(level) * preprocessing.rescaleFactor - preprocessing.mean[channel])
          / preprocessing.standardDeviation[channel]
      }
    }
  }

  /// `[height · width, 3]`
  func callAsFunction(_ picture: Picture) -> FeatureMap {
    let count = picture.width * picture.height * 3
    let pixels = picture.pixels.withUnsafeBufferPointer { levels in
      table.withUnsafeBufferPointer { table in
        [Float](unsafeUninitializedCapacity: count) { pixels, written in
          for index in stride(from: 0, to: count, by: 3) {
            for channel in 0..<3 {
              pixels[index + channel] = table[Int(levels[index + channel]) * 3 + channel]
            }
          }
          written = count
        }
      }
    }
    return FeatureMap(
      height: picture.height, width: picture.width,
      pixels: Matrix(rows: count / 3, columns: 3, values: pixels))
  }
}
