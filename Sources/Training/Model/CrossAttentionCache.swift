internal import BLIP
internal import Tensors

/// The keys and values of pictures for the cross-attention of every layer, projected once for all
/// texts that attend to them, and their gradients, summed over these texts.
struct CrossAttentionCache: Sendable {
  /// The rows of each picture.
  fileprivate let pictures: [Range<Int>]
  fileprivate let features: Matrix
  var layers: [Layer]

  /// Of no pictures.
  static var none: CrossAttentionCache {
    CrossAttentionCache(pictures: [], features: Matrix(), layers: [])
  }

  /// One layer's, `[B · (1 + P), H]` each.
  struct Layer: Sendable {
    var keys = Matrix()
    var values = Matrix()
    /// Empty until something is added.
    fileprivate var dKeys = Matrix()
    fileprivate var dValues = Matrix()
  }

  /// The pictures as the cross-attentions attend to them.
  /// - Parameter pictureOf: The picture of each text or pair.
  func context(pictureOf: [Int]) -> CrossContext {
    CrossContext(
      pictures: pictures, pictureOf: pictureOf,
      prepared: layers.map { .unpacked(keys: $0.keys, values: $0.values) })
  }
}

extension CrossAttentionCache.Layer {
  /// The backward pass through a cross-attention: dx becomes the gradient of what it was given; those
  /// of keys and values are added.
  mutating func backward(
    _ d: Matrix, _ attention: BERTAttention, _ activations: BERTAttention.Activations,
    into gradient: inout BERTAttention, dx: inout Matrix
  ) {
    if dKeys.rows == 0 {
      dKeys = Matrix(rows: keys.rows, columns: keys.columns)
      dValues = dKeys
    }
    attention.backward(
      d, activations, into: &gradient, dx: &dx, dKeys: &dKeys, dValues: &dValues)
  }
}

extension TrainableModel {
  /// Projects the patch features of pictures, `[B · (1 + P), D]`.
  func project(features: Matrix, pictures: Int) -> CrossAttentionCache {
    precondition(pictures > 0 && features.rows % pictures == 0)
    let rows = features.rows / pictures
    return CrossAttentionCache(
      pictures: (0..<pictures).map { $0 * rows..<($0 + 1) * rows }, features: features,
      layers: match.attention.map { attention in
        var layer = CrossAttentionCache.Layer()
        attention.project(features, keys: &layer.keys, values: &layer.values)
        return layer
      })
  }

  /// The backward pass from keys and values: adds to the gradient, and to that of the features, which
  /// may be empty.
  func backward(
    _ cross: CrossAttentionCache, dFeatures: inout Matrix, into gradient: inout TrainableModel
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

  /// The same where the image encoder is frozen: the backward pass ends at keys and values.
  func backward(_ cross: CrossAttentionCache, into gradient: inout TrainableModel) {
    for (index, layer) in cross.layers.enumerated() where layer.dKeys.rows > 0 {
      let attention = match.attention[index]
      attention.key.backward(
        layer.dKeys, of: cross.features, into: &gradient.match.attention[index].key)
      attention.value.backward(
        layer.dValues, of: cross.features, into: &gradient.match.attention[index].value)
    }
  }
}
