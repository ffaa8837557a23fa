internal import BLIP
public import Tensors

/// The keys and values of pictures for the cross-attention of every layer, projected once for all
/// texts that look at them, and the gradients that come back from all of these.
public struct CrossTape: Sendable {
  /// The rows of each picture.
  let pictures: [Range<Int>]
  fileprivate let features: Matrix
  var layers: [Layer]

  /// Of no pictures.
  static var none: CrossTape { CrossTape(pictures: [], features: Matrix(), layers: []) }

  /// Those of one layer, `[B · (1 + P), H]` each.
  struct Layer: Sendable {
    var keys = Matrix()
    var values = Matrix()
    /// Of nothing until something is added.
    var dKeys = Matrix()
    var dValues = Matrix()
  }
}

extension CrossTape.Layer {
  /// Makes room for gradients where there is none.
  mutating func expectGradients() {
    guard dKeys.rows == 0 else { return }
    dKeys = Matrix(rows: keys.rows, columns: keys.columns)
    dValues = dKeys
  }
}

extension Network {
  /// Projects the patch features of pictures, `[B · (1 + P), D]`.
  public func project(features: Matrix, pictures: Int) -> CrossTape {
    precondition(pictures > 0 && features.rows % pictures == 0)
    let rows = features.rows / pictures
    return CrossTape(
      pictures: (0..<pictures).map { $0 * rows..<($0 + 1) * rows }, features: features,
      layers: match.attention.map { attention in
        var layer = CrossTape.Layer()
        attention.project(features, keys: &layer.keys, values: &layer.values)
        return layer
      })
  }

  /// Adds what the texts sent back to keys and values to the gradient and to that of the features,
  /// which may be a matrix of nothing.
  public func backward(
    _ cross: CrossTape, dFeatures: inout Matrix, into gradient: inout Network
  ) {
    if dFeatures.rows == 0 {
      dFeatures = Matrix(rows: cross.features.rows, columns: cross.features.columns)
    }
    for (index, layer) in cross.layers.enumerated() where layer.dKeys.rows > 0 {
      match.attention[index].backward(
        dKeys: layer.dKeys, dValues: layer.dValues, of: cross.features,
        into: &gradient.match.attention[index], dx: &dFeatures)
    }
  }

  /// The same where the image encoder is frozen: the way back ends at keys and values.
  public func backward(_ cross: CrossTape, into gradient: inout Network) {
    for (index, layer) in cross.layers.enumerated() where layer.dKeys.rows > 0 {
      let attention = match.attention[index]
      attention.key.backward(
        layer.dKeys, of: cross.features, into: &gradient.match.attention[index].key)
      attention.value.backward(
        layer.dValues, of: cross.features, into: &gradient.match.attention[index].value)
    }
  }
}
