package import Checkpoints
package import Tensors

/// The parts of image-text matching besides the text encoder: a cross-attention for every layer, and the
/// ITM head.
package struct MatchHead: ModelPart {
  package var attention: [BERTAttention]
  package var head: Linear

  package init(_ configuration: TextConfiguration) {
    attention = (0..<configuration.layers).map { _ in
      BERTAttention(configuration, contextWidth: configuration.encoderHiddenSize)
    }
    head = Linear(inputs: configuration.hiddenSize, outputs: 2)
  }

  package mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    for index in attention.indices {
      try attention[index].forEachParameter(
        "text_encoder.encoder.layer.\(index).crossattention", &visitor)
    }
    try head.forEachParameter("itm_head", &visitor)
  }

  package mutating func prepare() {
    for index in attention.indices { attention[index].prepareFolding() }
  }

  /// The logits of pairs from their row 0 `[n, width]`.
  func logits(of rows: Matrix) -> [MatchLogits] {
    var logits = Matrix()
    head(rows, into: &logits)
    return (0..<rows.rows).map {
      MatchLogits(noMatch: logits.values[2 * $0], match: logits.values[2 * $0 + 1])
    }
  }
}
