/// What a model is trained to do.
public enum Objective: String, Sendable, CaseIterable {
  /// ITC, ITM and LM together.
  case pretrain
  /// ITC and ITM, where all captions of a picture are positives.
  case retrieval
  /// LM: a captioner.
  case caption

  /// Whether a parameter is not used by it.
  func leavesOut(_ parameter: String) -> Bool {
    switch self {
    case .pretrain: false
    case .retrieval: parameter.hasPrefix("text_decoder.")
    case .caption:
      ["vision_proj.", "text_proj.", "itm_head."].contains { parameter.hasPrefix($0) }
        || parameter == "temp" || isOwnAttentionOfEncoder(parameter)
    }
  }
}

/// Whether a parameter is one that the decoder does not share.
private func isOwnAttentionOfEncoder(_ parameter: String) -> Bool {
  parameter.hasPrefix("text_encoder.encoder.layer.") && parameter.contains(".attention.")
}
