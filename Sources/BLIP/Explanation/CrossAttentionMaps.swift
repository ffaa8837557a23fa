internal import Checkpoints
internal import Tensors

/// What the tokens of one text attend to in one picture, by the image-grounded text encoder.
struct CrossAttentionMaps {
  let logits: MatchLogits
  /// A row a token, a column a row of the patch features, [CLS] first: `[T, 1 + P]`, not negative.
  let tokens: Matrix
}

/// The image-grounded text encoder of one text and one picture, forward and, from the match logit, backward
/// to the attention probabilities.
struct ExplainingPass {
  let encoder: TextEncoder
  let head: MatchHead
  let configuration: TextConfiguration

  /// - Parameters:
  ///   - text: `[ENC] … [SEP]`
  ///   - features: `[1 + P, D]`
  ///   - layers: Those whose maps are added.
  func maps(
    of text: [Int32], over features: Matrix, layers: ClosedRange<Int>,
    _ weighting: ExplanationMethod.Weighting
  ) throws -> CrossAttentionMaps {
    var activations = TextActivations()
    let output = try forward(text, features, &activations)
    var maps = Matrix(rows: text.count, columns: features.rows)
    backward(from: output, activations, downTo: layers.lowerBound) { layer, dContext in
      guard layers.contains(layer) else { return }
      head.attention[layer].addMaps(
        activations.layers[layer].crossAttention, dContext, weighting, to: &maps)
    }
    return CrossAttentionMaps(logits: head.logits(of: output.rows([0]))[0], tokens: maps)
  }

  /// - Returns: All rows of the last layer, `[T, H]`.
  private func forward(
    _ text: [Int32], _ features: Matrix, _ activations: inout TextActivations
  ) throws -> Matrix {
    let keysAndValues = head.attention.map { attention in
      var (keys, values) = (Matrix(), Matrix())
      attention.project(features, keys: &keys, values: &values)
      return BERTAttention.Context.unpacked(keys: keys, values: values)
    }
    let words = try encoder.embedding.words(of: [text])
    let x = encoder.embedding(words, of: [text], &activations)
    return encoder.layers(crossAttention: head.attention)(
      x, TextPass(lengths: [text.count]),
      cross: CrossContext(pictures: [0..<features.rows], pictureOf: [0], prepared: keysAndValues),
      savingActivations: true, &activations)
  }

  /// The backward pass of the match logit, of activations only.
  /// - Parameters:
  ///   - output: `[T, H]`
  ///   - lowest: The layer whose cross-attention it ends at.
  ///   - visit: Is given the gradient of what each cross-attention's heads gave, `[T, H]`, the last layer's
  ///     first.
  private func backward(
    from output: Matrix, _ activations: TextActivations, downTo lowest: Int,
    visit: (_ layer: Int, _ dContext: Matrix) -> Void
  ) {
    // Not loaded, as no gradient of a parameter is wanted.
    var noHead = Linear(inputs: head.head.inputs, outputs: head.head.outputs)
    var noAttention = BERTAttention(configuration)
    var noFeedForward = FeedForward(configuration)
    var row = Matrix()
    head.head.backward(
      Matrix(rows: 1, columns: 2, values: [0, 1]), of: output.rows([0]), into: &noHead, dx: &row)
    var d = Matrix(rows: output.rows, columns: output.columns)
    addRows(row, at: [0], to: &d)
    for index in (lowest..<activations.layers.count).reversed() {
      let (layer, attention) = (activations.layers[index], head.attention[index])
      encoder.feedForward[index].backward(&d, layer.feedForward, into: &noFeedForward)
      var dx = Matrix()
      visit(
        index,
        attention.backward(toContext: d, layer.crossAttention, into: &noAttention, dx: &dx))
      guard index > lowest else { return }
      let keys = layer.crossAttention.keys
      var (dKeys, dValues) = (
        Matrix(rows: keys.rows, columns: keys.columns),
        Matrix(rows: keys.rows, columns: keys.columns)
      )
      attention.backward(
        d, layer.crossAttention, into: &noAttention, dx: &dx, dKeys: &dKeys, dValues: &dValues)
      d = dx
      encoder.attention[index].backward(&d, layer, into: &noAttention)
    }
  }
}

extension BERTAttention {
  /// Adds the mean of all heads' maps of a cross-attention between one text and one picture.
  /// - Parameters:
  ///   - dContext: The gradient of `activations.context`.
  ///   - maps: `[T, 1 + P]`
  fileprivate func addMaps(
    _ activations: Activations, _ dContext: Matrix, _ weighting: ExplanationMethod.Weighting,
    to maps: inout Matrix
  ) {
    let operands = operands(activations)
    for head in 0..<heads.count {
      let map = AttentionMap(of: operands, dContext, segment: operands.segments[0], head: head)
      for place in maps.values.indices {
        let weight =
          switch weighting {
          case .attention: Float(1)
          case .gradient: max(map.gradient.values[place], 0)
          }
        maps.values[place] += map.probabilities.values[place] * weight / Float(heads.count)
      }
    }
  }
}
