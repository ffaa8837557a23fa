extension Weights {
  /// The name of the image encoder's position embedding, `[1, 1 + P, D]`.
  static let positionEmbedding = "vision_model.embeddings.position_embedding"

  /// The weights with the position embedding interpolated to the configuration's number of patches,
  /// as BLIP does when it loads a checkpoint of another input size; the row of [CLS] is unchanged.
  /// An embedding that is not for a square of patches is left as it is, and is later rejected.
  func fitted(to vision: VisionConfiguration) throws(CheckpointError) -> Weights {
    let side = vision.imageSize / vision.patchSize
    guard let shape = shape(of: Self.positionEmbedding), shape.count == 3, shape[0] == 1,
      shape[1] > 1, let old = squareRoot(shape[1] - 1), old != side,
      shape[2] == vision.hiddenSize
    else { return self }
    let values = try floats(Self.positionEmbedding, shape: shape)
    let width = shape[2]
    let positions =
      values[..<width] + interpolate(Array(values[width...]), width: width, from: old, to: side)
    let file = try MappedFile(inPlaceOf: source, holding: Array(positions))
    return replacing(
      Self.positionEmbedding,
      by: StoredTensor(
        type: .float32, shape: [1, 1 + side * side, width], file: file, range: 0..<file.count))
  }
}

/// The integer square root of a perfect square; nil for other numbers.
private func squareRoot(_ number: Int) -> Int? {
  let root = Int(Double(number).squareRoot().rounded())
  return root.multipliedReportingOverflow(by: root) == (number, false) ? root : nil
}

/// Resizes a square grid of rows from `[old · old, width]` to `[new · new, width]`: bicubic, as
/// PyTorch's `interpolate` with `align_corners=False` and no antialiasing (Keys 1981, with a =
/// −0.75), in the same order and precision.
func interpolate(_ rows: [Float], width: Int, from old: Int, to new: Int) -> [Float] {
  precondition(rows.count == old * old * width)
  let taps = (0..<new).map { CubicTaps(at: $0, of: new, from: old) }
  // Along x, then along y.
  var wide = [Float](repeating: 0, count: old * new * width)
  for y in 0..<old {
    for x in 0..<new {
      taps[x].add(
        rows, from: { (y * old + $0) * width }, to: &wide, at: (y * new + x) * width, width)
    }
  }
  var result = [Float](repeating: 0, count: new * new * width)
  for y in 0..<new {
    for x in 0..<new {
      taps[y].add(
        wide, from: { ($0 * new + x) * width }, to: &result, at: (y * new + x) * width, width)
    }
  }
  return result
}

/// The four source positions of a position in the new grid, and their weights.
private struct CubicTaps {
  let places: [Int]
  let weights: [Float]

  init(at place: Int, of new: Int, from old: Int) {
    let position = Float(-0.5).addingProduct(Float(old) / Float(new), Float(place) + 0.5)
    let first = position.rounded(.down)
    let t = position - first
    weights = [Self.far(t + 1), Self.near(t), Self.near(1 - t), Self.far(2 - t)]
    // Beyond the edge, edge values are repeated.
    places = (-1...2).map { min(max(Int(first) + $0, 0), old - 1) }
  }

  private static let a: Float = -0.75

  /// The kernel for distances up to 1. With fused multiply-adds here and above, as in builds of
  /// PyTorch: without them weights differ in the last digits, and results by up to 5e-6.
  private static func near(_ x: Float) -> Float {
    Float(1).addingProduct((-(a + 3)).addingProduct(a + 2, x) * x, x)
  }

  /// The kernel for distances from 1 to 2.
  private static func far(_ x: Float) -> Float {
    (-4 * a).addingProduct((8 * a).addingProduct((-5 * a).addingProduct(a, x), x), x)
  }

  /// Adds the weighted rows of `source` to a row of `target`.
  func add(
    _ source: [Float], from start: (Int) -> Int, to target: inout [Float], at end: Int,
    _ width: Int
  ) {
    for (place, weight) in zip(places, weights) {
      let start = start(place)
      for column in 0..<width { target[end + column] += weight * source[start + column] }
    }
  }
}
