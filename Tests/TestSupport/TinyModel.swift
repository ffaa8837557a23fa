import Random

/// A tiny BLIP with random weights, as a model folder that Hugging Face could have written: the same
/// bytes in every run on every machine, so that tests need no downloaded model.
///
/// The indexes of earlier formats among the fixtures were made with it and know its fingerprint: a
/// change of its bytes makes new fixtures necessary.
public enum TinyModel: String, CaseIterable, Sendable {
  /// Image encoder, image-grounded text encoder, ITC projections and ITM head.
  case retrieval = "blip-tiny"
  /// Image encoder and image-grounded text decoder.
  case captioning = "blip-tiny-caption"

  /// The model's folder, written once a process; it must not be changed.
  public var path: String {
    switch self {
    case .retrieval: Self.retrievalPath
    case .captioning: Self.captioningPath
    }
  }

  private static let retrievalPath = TinyModel.retrieval.write(to: TemporaryFolder())
  private static let captioningPath = TinyModel.captioning.write(to: TemporaryFolder())

  /// Writes the model into `folder`; the result is the path of the model's folder.
  @discardableResult
  public func write(to folder: TemporaryFolder) -> String {
    folder.write("\(rawValue)/config.json", configuration.utf8)
    folder.write("\(rawValue)/preprocessor_config.json", Self.preprocessing.utf8)
    folder.write("\(rawValue)/vocab.txt", TinyVocabulary.text.utf8)
    folder.write("\(rawValue)/model.safetensors", weights)
    return "\(folder.path)/\(rawValue)"
  }

  // MARK: - Sizes

  private static let imageSize = 64
  private static let patchSize = 16
  private static let layers = 2
  private static let width = 32
  private static let intermediate = 64
  private static let embedding = 32
  private static let positions = 64
  private static let words = TinyVocabulary.tokens.count + 2

  private var configuration: String {
    let kind = self == .retrieval ? "ImageTextRetrieval" : "ConditionalGeneration"
    return """
      {
        "architectures": ["BlipFor\(kind)"],
        "model_type": "blip",
        "image_text_hidden_size": \(Self.embedding),
        "text_config": {
          "vocab_size": \(Self.words),
          "hidden_size": \(Self.width),
          "encoder_hidden_size": \(Self.width),
          "intermediate_size": \(Self.intermediate),
          "num_hidden_layers": \(Self.layers),
          "num_attention_heads": 2,
          "max_position_embeddings": \(Self.positions),
          "hidden_act": "gelu",
          "layer_norm_eps": 1e-12,
          "pad_token_id": 0,
          "sep_token_id": 3,
          "bos_token_id": \(Self.words - 2),
          "enc_token_id": \(Self.words - 1)
        },
        "vision_config": {
          "image_size": \(Self.imageSize),
          "patch_size": \(Self.patchSize),
          "hidden_size": \(Self.width),
          "intermediate_size": \(Self.intermediate),
          "num_hidden_layers": \(Self.layers),
          "num_attention_heads": 2,
          "hidden_act": "gelu",
          "layer_norm_eps": 1e-5
        }
      }

      """
  }

  private static let preprocessing = """
    {
      "image_processor_type": "BlipImageProcessor",
      "do_resize": true,
      "do_rescale": true,
      "do_normalize": true,
      "resample": 3,
      "size": {"height": \(imageSize), "width": \(imageSize)},
      "image_mean": [0.48145466, 0.4578275, 0.40821073],
      "image_std": [0.26862954, 0.26130258, 0.27577711]
    }

    """

  // MARK: - Weights

  private var weights: [UInt8] {
    var tensors = TinyTensors(seed: 1)
    Self.addImageEncoder(to: &tensors)
    switch self {
    case .retrieval:
      Self.addText("text_encoder.", to: &tensors)
      tensors.linear("vision_proj", [Self.embedding, Self.width])
      tensors.linear("text_proj", [Self.embedding, Self.width])
      tensors.linear("itm_head", [2, Self.width])
    case .captioning:
      Self.addText("text_decoder.bert.", to: &tensors)
      let head = "text_decoder.cls.predictions"
      tensors.linear("\(head).transform.dense", [Self.width, Self.width])
      tensors.layerNorm("\(head).transform.LayerNorm", Self.width)
      tensors.add("\(head).bias", [Self.words], scale: 0.1)
    }
    return tensors.file
  }

  private static func addImageEncoder(to tensors: inout TinyTensors) {
    let patches = (imageSize / patchSize) * (imageSize / patchSize)
    let embeddings = "vision_model.embeddings"
    tensors.add("\(embeddings).class_embedding", [1, 1, width], scale: 1)
    tensors.linear("\(embeddings).patch_embedding", [width, 3, patchSize, patchSize])
    tensors.add("\(embeddings).position_embedding", [1, patches + 1, width], scale: 0.5)
    for number in 0..<layers {
      let layer = "vision_model.encoder.layers.\(number)"
      tensors.layerNorm("\(layer).layer_norm1", width)
      tensors.linear("\(layer).self_attn.qkv", [3 * width, width])
      tensors.linear("\(layer).self_attn.projection", [width, width])
      tensors.layerNorm("\(layer).layer_norm2", width)
      tensors.linear("\(layer).mlp.fc1", [intermediate, width])
      tensors.linear("\(layer).mlp.fc2", [width, intermediate])
    }
    tensors.layerNorm("vision_model.post_layernorm", width)
  }

  /// A BERT with cross-attention, which reads features of the image encoder's width.
  private static func addText(_ prefix: String, to tensors: inout TinyTensors) {
    let embeddings = "\(prefix)embeddings"
    tensors.add("\(embeddings).word_embeddings.weight", [words, width], scale: 1)
    tensors.add("\(embeddings).position_embeddings.weight", [positions, width], scale: 0.5)
    tensors.layerNorm("\(embeddings).LayerNorm", width)
    for number in 0..<layers {
      let layer = "\(prefix)encoder.layer.\(number)"
      for attention in ["attention", "crossattention"] {
        for part in ["query", "key", "value"] {
          tensors.linear("\(layer).\(attention).self.\(part)", [width, width])
        }
        tensors.linear("\(layer).\(attention).output.dense", [width, width])
        tensors.layerNorm("\(layer).\(attention).output.LayerNorm", width)
      }
      tensors.linear("\(layer).intermediate.dense", [intermediate, width])
      tensors.linear("\(layer).output.dense", [width, intermediate])
      tensors.layerNorm("\(layer).output.LayerNorm", width)
    }
  }
}

/// Random tensors and the safetensors file of them.
private struct TinyTensors {
  private var random: SplitMix64
  private var header: [String] = []
  private var data: [UInt8] = []

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// A safetensors file: the length of the header, the header, filled up with spaces so that the
  /// floats are aligned, the data.
  var file: [UInt8] {
    var text = Array("{\(header.joined(separator: ","))}".utf8)
    text += Array(repeating: UInt8(ascii: " "), count: -text.count & 7)
    return littleEndian(UInt64(text.count)) + text + data
  }

  /// A weight that keeps the variance of what goes through it, and a small bias.
  mutating func linear(_ name: String, _ shape: [Int]) {
    let inputs = shape.dropFirst().reduce(1, *)
    add("\(name).weight", shape, scale: (3 / Float(inputs)).squareRoot())
    add("\(name).bias", [shape[0]], scale: 0.1)
  }

  mutating func layerNorm(_ name: String, _ width: Int) {
    add("\(name).weight", [width], scale: 0.1, around: 1)
    add("\(name).bias", [width], scale: 0.1)
  }

  mutating func add(_ name: String, _ shape: [Int], scale: Float, around centre: Float = 0) {
    let start = data.count
    for number in random.floats(shape.reduce(1, *), scale: scale) {
      data += littleEndian((centre + number).bitPattern)
    }
    header.append(
      "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":\([start, data.count])}")
  }

  private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
