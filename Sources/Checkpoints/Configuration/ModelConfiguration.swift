/// What `config.json` says a model is made of. Every number is checked: sizes are positive and
/// bounded, heads divide widths, token ids lie in the vocabulary.
public struct ModelConfiguration: Sendable, Equatable, Decodable {
  /// The image encoder.
  public let vision: VisionConfiguration
  /// The text encoder, image-grounded or not.
  public let text: TextConfiguration
  /// The width of the ITC embeddings (`image_text_hidden_size`).
  public let embeddingSize: Int
  /// The rerank depth that pays for this model, where the file names one (`blip.rerank_depth`, a
  /// key of this engine).
  public let rerankDepth: Int?
  /// What the ITC cosine counts beside the match logit where hits are reranked (`blip.itc_weight`, a
  /// key of this engine): 1 in BLIP's own evaluation.
  public let itcWeight: Float

  private enum CodingKeys: String, CodingKey {
    case modelType = "model_type"
    case vision = "vision_config"
    case text = "text_config"
    case embeddingSize = "image_text_hidden_size"
    case engine = "blip"
  }

  private struct Engine: Decodable {
    let rerankDepth: Int?
    let itcWeight: Float

    private enum CodingKeys: String, CodingKey {
      case rerankDepth = "rerank_depth"
      case itcWeight = "itc_weight"
    }

    init(from decoder: any Decoder) throws {
      let file = try decoder.container(keyedBy: CodingKeys.self)
      rerankDepth = try file.integer(.rerankDepth, in: 0...1_000_000)
      itcWeight = try file.float(.itcWeight, default: 1, in: 0...1_000_000)
    }
  }

  /// Missing keys mean what Hugging Face's `BlipConfig` takes them for.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    try file.require(
      .modelType, "blip", otherwise: "is not \"blip\"; give a BLIP model's folder")
    vision = try file.section(VisionConfiguration.self, .vision)
    var text = try file.section(TextConfiguration.self, .text)
    // As BlipConfig overwrites it.
    text.encoderHiddenSize = vision.hiddenSize
    self.text = text
    embeddingSize = try file.integer(.embeddingSize, default: 256, in: 1...widest)
    let engine = try file.decodeIfPresent(Engine.self, forKey: .engine)
    rerankDepth = engine?.rerankDepth
    itcWeight = engine?.itcWeight ?? 1
  }
}

/// The image encoder: a ViT, its patches embedded linearly or by a convolutional stem.
public struct VisionConfiguration: Sendable, Equatable, Decodable {
  /// Pixels on a side of the input, and of a patch; the second divides the first.
  public let imageSize, patchSize: Int
  /// The width of a token and of the feed-forward layer, the numbers of layers and heads.
  public let hiddenSize, intermediateSize, layers, heads: Int
  /// The ε of every layer norm.
  public let layerNormEpsilon: Float
  /// The convolutions before the patch embedding, where the model has them (the default model's
  /// page); nil in a published BLIP.
  public let stem: [StemLayer]?

  private enum CodingKeys: String, CodingKey {
    case imageSize = "image_size"
    case patchSize = "patch_size"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case layers = "num_hidden_layers"
    case heads = "num_attention_heads"
    case layerNormEpsilon = "layer_norm_eps"
    case activation = "hidden_act"
    case stem
  }

  /// Missing keys mean what Hugging Face's `BlipVisionConfig` takes them for.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    imageSize = try file.side(.imageSize, default: 384, in: 1...4096)
    patchSize = try file.side(.patchSize, default: 16, in: 1...imageSize)
    guard imageSize % patchSize == 0, imageSize / patchSize <= 128 else {
      throw file.refuse(
        .patchSize, "\(patchSize) does not cut \(imageSize) into 1 to 128 patches")
    }
    hiddenSize = try file.integer(.hiddenSize, default: 768, in: 1...widest)
    intermediateSize = try file.integer(.intermediateSize, default: 3072, in: 1...widest)
    layers = try file.integer(.layers, default: 12, in: 1...deepest)
    heads = try file.integer(.heads, default: 12, in: 1...hiddenSize)
    guard hiddenSize % heads == 0 else {
      throw file.refuse(.heads, "\(heads) does not divide the width \(hiddenSize)")
    }
    layerNormEpsilon = try file.float(.layerNormEpsilon, default: 1e-5, in: 0...1)
    try file.require(.activation, "gelu", otherwise: "is not \"gelu\", the only one that is run")
    stem = try file.decodeIfPresent(Stem.self, forKey: .stem)?.layers
    if let stem {
      try StemLayer.check(
        stem, at: file.codingPath + [CodingKeys.stem], imageSize: imageSize,
        patches: imageSize / patchSize)
    }
  }
}

/// The text encoder: a BERT with cross-attention.
public struct TextConfiguration: Sendable, Equatable, Decodable {
  /// Rows of the word embedding; the widths of a token and of the feed-forward layer; the numbers
  /// of layers and heads.
  public let vocabularySize, hiddenSize, intermediateSize, layers, heads: Int
  /// The width of a patch feature, which is the image encoder's.
  public fileprivate(set) var encoderHiddenSize: Int
  /// Rows of the position embedding.
  public let maximumPositions: Int
  /// The ε of every layer norm.
  public let layerNormEpsilon: Float
  /// [DEC] (`bos_token_id`), [ENC] (`enc_token_id`, which published configurations do not write),
  /// [SEP] and [PAD].
  public let decoderToken, encoderToken, separatorToken, paddingToken: Int32

  private enum CodingKeys: String, CodingKey {
    case vocabularySize = "vocab_size"
    case hiddenSize = "hidden_size"
    case encoderHiddenSize = "encoder_hidden_size"
    case intermediateSize = "intermediate_size"
    case layers = "num_hidden_layers"
    case heads = "num_attention_heads"
    case maximumPositions = "max_position_embeddings"
    case layerNormEpsilon = "layer_norm_eps"
    case activation = "hidden_act"
    case decoderToken = "bos_token_id"
    case encoderToken = "enc_token_id"
    case separatorToken = "sep_token_id"
    case paddingToken = "pad_token_id"
  }

  /// Missing keys mean what Hugging Face's `BlipTextConfig` takes them for.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    vocabularySize = try file.integer(.vocabularySize, default: 30524, in: 1...10_000_000)
    hiddenSize = try file.integer(.hiddenSize, default: 768, in: 1...widest)
    encoderHiddenSize = try file.integer(.encoderHiddenSize, default: 768, in: 1...widest)
    intermediateSize = try file.integer(.intermediateSize, default: 3072, in: 1...widest)
    layers = try file.integer(.layers, default: 12, in: 1...deepest)
    // BLIP itself has 12, but a missing key means 8 to BlipTextConfig, which leaves its defaults
    // out when it saves: a folder without the key was run with 8. Published folders say 12, since
    // huggingface/transformers#22625.
    heads = try file.integer(.heads, default: 8, in: 1...hiddenSize)
    guard hiddenSize % heads == 0 else {
      throw file.refuse(.heads, "\(heads) does not divide the width \(hiddenSize)")
    }
    maximumPositions = try file.integer(.maximumPositions, default: 512, in: 2...65_536)
    layerNormEpsilon = try file.float(.layerNormEpsilon, default: 1e-12, in: 0...1)
    try file.require(.activation, "gelu", otherwise: "is not \"gelu\", the only one that is run")
    let ids = 0...vocabularySize - 1
    decoderToken = Int32(try file.integer(.decoderToken, default: 30522, in: ids))
    encoderToken = Int32(try file.integer(.encoderToken, default: 30523, in: ids))
    separatorToken = Int32(try file.integer(.separatorToken, default: 102, in: ids))
    paddingToken = Int32(try file.integer(.paddingToken, default: 0, in: ids))
  }
}

/// Bounds far above any BLIP, so that no product of sizes overflows.
let widest = 65_536
private let deepest = 256
