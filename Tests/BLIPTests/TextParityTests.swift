import Tensors
import Testing

@testable import BLIP

/// The text encoder and the image-grounded text encoder against PyTorch, layer by layer, from the
/// same token ids. Texts are run in a batch without padding; the references were padded.
@Suite struct TextParityTests {
  /// Compares the rows of each text (one behind the other in `stage`) with the first rows of each
  /// element of the reference.
  private func expectClose(
    _ name: String, _ stage: Matrix?, _ reference: Activations, _ tensor: String,
    texts: [[Int32]], from first: Int = 0
  ) throws {
    let stage = try #require(stage)
    for (index, range) in consecutiveRanges(texts.map(\.count)).enumerated() {
      let expected = try reference.matrix(tensor, first + index)
      BLIPTests.expectClose(
        "\(name), text \(index)", stage.rows(range), expected.rows(0..<range.count))
    }
  }

  @Test func tinyBLIPAsHuggingFace() throws {
    let model = try Models.tiny.get()
    let reference = try Activations("blip-tiny-activations.safetensors")
    let texts = try (0..<3).map { try reference.texts("input_ids.t\($0)")[0] }
    #expect(try texts == reference.texts("input_ids_pad35"))
    var stages: [String: Matrix] = [:]
    let embeddings = try model.embed(texts: texts) { stages[$0] = $1 }
    for stage in ["embeddings", "layer.0", "layer.1"] {
      try expectClose(stage, stages[stage], reference, "text.pad35.\(stage)", texts: texts)
    }
    for (index, embedding) in embeddings.enumerated() {
      #expect(
        cosineDistance(embedding, try reference.floats("text_feat.t\(index)")) <= 1e-5)
    }
  }

  /// Hugging Face leaves [CLS] where BLIP's evaluation has [ENC]; so do these ids.
  @Test(arguments: [0, 1], [BERTAttention.Order.projected, .folded, nil])
  func tinyBLIPGroundedAsHuggingFace(picture: Int, order: BERTAttention.Order?) throws {
    let model = try Models.tiny.get()
    let reference = try Activations("blip-tiny-activations.safetensors")
    let features = try reference.matrix("vision.last_hidden_state", picture)
    for text in 0..<3 {
      let texts = try reference.texts("input_ids.t\(text)")
      var stages: [String: Matrix] = [:]
      let logits = try model.logits(
        texts: texts, pictures: [features], pairs: [Grounding.Pair(text: 0, picture: 0)],
        order: order
      ) { stages[$0] = $1 }
      let name = "t\(text).img\(picture)"
      for stage in ["layer.0", "layer.1"] {
        try expectClose(
          "\(name) \(stage)", stages[stage], reference, "itm.\(name).\(stage)", texts: texts)
      }
      BLIPTests.expectClose(name, logits[0], try reference.floats("itm_logits.\(name)")[0..<2])
    }
  }

  /// `match` puts [ENC] in place of [CLS].
  @Test func tinyBLIPMatchesWithENC() throws {
    let reference = try Activations("blip-tiny-activations.safetensors")
    let logits = try Models.tiny.get().match(
      texts: reference.texts("input_ids_pad35"),
      features: reference.matrix("vision.last_hidden_state", 0))
    let expected = try reference.floats("itm_logits.enc_token.img0")
    for (index, logits) in logits.enumerated() {
      BLIPTests.expectClose("text \(index)", logits, expected[2 * index..<2 * index + 2])
    }
  }

  @Test func theDefaultModelAsItsReference() throws {
    let model = try Models.standard.get()
    let reference = try Activations("blip-mini-activations.safetensors")
    let texts = try reference.texts("input_ids")
    var stages: [String: Matrix] = [:]
    let embeddings = try model.embed(texts: texts) { stages[$0] = $1 }
    for layer in 0..<6 {
      let stage = "layer.\(layer)"
      try expectClose(stage, stages[stage], reference, "text.\(stage)", texts: texts)
    }
    let expected = try reference.floats("text_embedding")
    for (index, embedding) in embeddings.enumerated() {
      #expect(
        cosineDistance(embedding, Array(expected[index * 256..<(index + 1) * 256])) <= 1e-5)
    }
  }

  @Test(arguments: [0, 1], [BERTAttention.Order.projected, .folded, nil])
  func theDefaultModelGroundedAsItsReference(picture: Int, order: BERTAttention.Order?) throws {
    let model = try Models.standard.get()
    let reference = try Activations("blip-mini-activations.safetensors")
    let texts = try reference.texts("input_ids").map { [30523] + $0.dropFirst() }
    var stages: [String: Matrix] = [:]
    let logits = try model.logits(
      texts: texts, pictures: [reference.matrix("vision.last_hidden_state", picture)],
      pairs: texts.indices.map { Grounding.Pair(text: $0, picture: 0) }, order: order
    ) { stages[$0] = $1 }
    for layer in 0..<6 {
      let stage = "layer.\(layer)"
      try expectClose(stage, stages[stage], reference, "itm.\(picture).\(stage)", texts: texts)
    }
    let expected = try reference.floats("itm_logits.\(picture)")
    for (index, logits) in logits.enumerated() {
      BLIPTests.expectClose("text \(index)", logits, expected[2 * index..<2 * index + 2])
    }
  }
}
