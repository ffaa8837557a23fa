/// The configuration of a checkpoint file that comes without one: inferred from the shapes of its
/// tensors and, for the rest, as in BLIP's code (`models/vit.py`, `configs/med_config.json`): heads
/// of width 64, [DEC] and [ENC] the last two tokens.
struct InferredConfiguration {
  /// `config.json`
  let configuration: JSONValue
  /// `preprocessor_config.json`
  let preprocessing: JSONValue

  init(_ weights: Weights, isOriginal: Bool) throws(CheckpointError) {
    let shapes = Shapes(weights: weights)
    let vision = "vision_model"
    let patch = try shapes.get("\(vision).embeddings.patch_embedding.weight", dimensions: 4)
    let positions = try shapes.get("\(vision).embeddings.position_embedding", dimensions: 3)
    let side = Int(Double(max(positions[1] - 1, 0)).squareRoot().rounded())
    guard 1...128 ~= side, side * side + 1 == positions[1], 1...4096 ~= patch[3] else {
      throw CheckpointError(
        "\(weights.source): not a BLIP checkpoint: the shapes of its patch and position embeddings "
          + "are \(patch) and \(positions)")
    }
    let width = patch[0]
    let imageSize = side * patch[3]

    let hasEncoder = shapes.has("text_encoder.embeddings.word_embeddings.weight")
    let text = hasEncoder ? "text_encoder" : "text_decoder.bert"
    let words = try shapes.get("\(text).embeddings.word_embeddings.weight", dimensions: 2)
    let textPositions = try shapes.get(
      "\(text).embeddings.position_embeddings.weight", dimensions: 2)

    var config = JSONValue.object([:])
    config["model_type"] = .string("blip")
    config["architectures"] = .array([
      .string(hasEncoder ? "BlipForImageTextRetrieval" : "BlipForConditionalGeneration")
    ])
    if hasEncoder {
      config["image_text_hidden_size"] = .integer(
        try shapes.get("text_proj.weight", dimensions: 2)[0])
    }
    config["vision_config"] = .object([
      "model_type": .string("blip_vision_model"), "hidden_act": .string("gelu"),
      "hidden_size": .integer(width), "num_attention_heads": .integer(try shapes.heads(of: width)),
      "num_hidden_layers": .integer(
        shapes.layers("\(vision).encoder.layers", "layer_norm1.weight")),
      "intermediate_size": .integer(
        try shapes.get("\(vision).encoder.layers.0.mlp.fc1.weight", dimensions: 2)[0]),
      "image_size": .integer(imageSize), "patch_size": .integer(patch[3]),
      // 1e-6 is the original ViT's value; Hugging Face runs BLIP with its default of 1e-5.
      "layer_norm_eps": .number(isOriginal ? 1e-6 : 1e-5),
    ])
    config["text_config"] = .object([
      "model_type": .string("blip_text_model"), "hidden_act": .string("gelu"),
      "vocab_size": .integer(words[0]), "hidden_size": .integer(words[1]),
      "encoder_hidden_size": .integer(width),
      "num_attention_heads": .integer(try shapes.heads(of: words[1])),
      "num_hidden_layers": .integer(
        shapes.layers("\(text).encoder.layer", "attention.self.query.weight")),
      "intermediate_size": .integer(
        try shapes.get("\(text).encoder.layer.0.intermediate.dense.weight", dimensions: 2)[0]),
      "max_position_embeddings": .integer(textPositions[0]), "layer_norm_eps": .number(1e-12),
      "bos_token_id": .integer(words[0] - 2), "enc_token_id": .integer(words[0] - 1),
      "sep_token_id": .integer(102), "eos_token_id": .integer(2), "pad_token_id": .integer(0),
      "is_decoder": .bool(true),
    ])
    configuration = config
    preprocessing = Self.preprocessing(imageSize)
  }

  /// As Hugging Face writes it for every BLIP.
  private static func preprocessing(_ imageSize: Int) -> JSONValue {
    .object([
      "image_processor_type": .string("BlipImageProcessor"), "do_resize": .bool(true),
      "do_rescale": .bool(true), "do_normalize": .bool(true), "resample": .integer(3),
      "rescale_factor": .number(1 / 255),
      "image_mean": .array([0.48145466, 0.4578275, 0.40821073].map { .number($0) }),
      "image_std": .array([0.26862954, 0.26130258, 0.27577711].map { .number($0) }),
      "size": .object(["height": .integer(imageSize), "width": .integer(imageSize)]),
    ])
  }
}

/// The shapes in an untrusted file.
private struct Shapes {
  let weights: Weights

  func has(_ name: String) -> Bool { weights.shape(of: name) != nil }

  func get(_ name: String, dimensions: Int) throws(CheckpointError) -> [Int] {
    guard let shape = weights.shape(of: name) else {
      throw CheckpointError(
        "\(weights.source): tensor \"\(name)\" is missing; is it a BLIP checkpoint?")
    }
    guard shape.count == dimensions else {
      throw CheckpointError(
        "\(weights.source): tensor \"\(name)\" has shape \(shape), not \(dimensions) dimensions")
    }
    return shape
  }

  func layers(_ path: String, _ name: String) -> Int {
    // Count consecutive layers; a file contains finitely many.
    var count = 0
    while has("\(path).\(count).\(name)") { count += 1 }
    return count
  }

  func heads(of width: Int) throws(CheckpointError) -> Int {
    guard width <= 64 || width % 64 == 0 else {
      throw CheckpointError(
        "\(weights.source): a width of \(width), which is not a multiple of 64, the width of a head; "
          + "is it a BLIP checkpoint?")
    }
    return max(1, width / 64)
  }
}
