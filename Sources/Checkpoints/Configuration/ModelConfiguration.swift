/// A model's architecture, as described by `config.json`. All numbers are validated: sizes are
/// positive and bounded, heads divide widths, token ids are in the vocabulary.
public struct ModelConfiguration: Sendable, Equatable, Decodable {
  /// The image encoder.
  public let vision: VisionConfiguration
  /// The text encoder, image-grounded or not.
  public let text: TextConfiguration
  /// The width of the ITC embeddings (`image_text_hidden_size`).
  public let embeddingSize: Int
  /// The recommended rerank depth of this model, if given (`blip.rerank_depth`, a key specific to
  /// this engine).
  public let rerankDepth: Int?
  /// The same for texts of at most `HitCalibration.longestPhrase` words (`blip.phrase_rerank_depth`); nil: as
  /// for others.
  public let phraseRerankDepth: Int?
  /// The weight of the ITC cosine relative to the match logit in reranking (`blip.itc_weight`, a
  /// key specific to this engine): 1 in BLIP's own evaluation.
  public let itcWeight: Float
  /// The recommended probability above which CapFilt keeps a caption (`blip.filter_threshold`). Where the
  /// model does not say: the paper's 0.5, of ITM's probability, or blip-mini's 0.02 if probabilities are
  /// calibrated: they are fitted to the best of many candidates, so those of right captions are often low.
  public let filterThreshold: Float
  /// How likely hits are right (`blip.calibration`); nil if that was not measured.
  public let calibration: HitCalibration?

  private enum CodingKeys: String, CodingKey {
    case modelType = "model_type"
    case vision = "vision_config"
    case text = "text_config"
    case embeddingSize = "image_text_hidden_size"
    case engine = "blip"
  }

  private struct Engine: Decodable {
    let rerankDepth, phraseRerankDepth: Int?
    let itcWeight: Float
    let filterThreshold: Float
    let calibration: HitCalibration?

    private enum CodingKeys: String, CodingKey {
      case calibration
      case filterThreshold = "filter_threshold"
      case rerankDepth = "rerank_depth"
      case phraseRerankDepth = "phrase_rerank_depth"
      case itcWeight = "itc_weight"
    }

    init(from decoder: any Decoder) throws {
      let file = try decoder.container(keyedBy: CodingKeys.self)
      rerankDepth = try file.integer(.rerankDepth, in: 0...1_000_000)
      phraseRerankDepth = try file.integer(.phraseRerankDepth, in: 0...1_000_000)
      itcWeight = try file.float(.itcWeight, default: 1, in: 0...1_000_000)
      calibration = try file.decodeIfPresent(HitCalibration.self, forKey: .calibration)
      filterThreshold = try file.float(
        .filterThreshold, default: calibration?.texts == nil ? 0.5 : 0.02, in: 0...1)
    }
  }

  /// Missing keys have the defaults of Hugging Face's `BlipConfig`.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    try file.require(
      .modelType, "blip", otherwise: "is not \"blip\"; give the folder of a BLIP model")
    vision = try file.section(VisionConfiguration.self, .vision)
    var text = try file.section(TextConfiguration.self, .text)
    // As BlipConfig does.
    text.encoderHiddenSize = vision.hiddenSize
    self.text = text
    embeddingSize = try file.integer(.embeddingSize, default: 256, in: 1...maximumWidth)
    let engine = try file.decodeIfPresent(Engine.self, forKey: .engine)
    rerankDepth = engine?.rerankDepth
    phraseRerankDepth = engine?.phraseRerankDepth
    itcWeight = engine?.itcWeight ?? 1
    filterThreshold = engine?.filterThreshold ?? 0.5
    calibration = engine?.calibration
  }
}

/// The architecture of the image encoder: a ViT with a linear patch embedding, optionally after a
/// convolutional stem.
public struct VisionConfiguration: Sendable, Equatable, Decodable {
  /// The side of the input and of a patch, in pixels; the latter divides the former.
  public let imageSize, patchSize: Int
  /// The widths of a token and of the feed-forward layer; the numbers of layers and heads.
  public let hiddenSize, intermediateSize, layers, heads: Int
  /// The ε of all layer norms.
  public let layerNormEpsilon: Float
  /// The convolutions before the patch embedding, as in the default model; nil in a published BLIP.
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

  /// Missing keys have the defaults of Hugging Face's `BlipVisionConfig`.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    imageSize = try file.side(.imageSize, default: 384, in: 1...4096)
    patchSize = try file.side(.patchSize, default: 16, in: 1...imageSize)
    guard imageSize % patchSize == 0, imageSize / patchSize <= 128 else {
      throw file.invalid(
        .patchSize, "\(patchSize) does not divide \(imageSize) into 1 to 128 patches")
    }
    hiddenSize = try file.integer(.hiddenSize, default: 768, in: 1...maximumWidth)
    intermediateSize = try file.integer(.intermediateSize, default: 3072, in: 1...maximumWidth)
    layers = try file.integer(.layers, default: 12, in: 1...maximumLayers)
    heads = try file.integer(.heads, default: 12, in: 1...hiddenSize)
    guard hiddenSize % heads == 0 else {
      throw file.invalid(.heads, "\(heads) does not divide the width \(hiddenSize)")
    }
    layerNormEpsilon = try file.float(.layerNormEpsilon, default: 1e-5, in: 0...1)
    try file.require(
      .activation, "gelu", otherwise: "is not \"gelu\", the only supported activation")
    stem = try file.decodeIfPresent(Stem.self, forKey: .stem)?.layers
    if let stem {
      try StemLayer.check(
        stem, at: file.codingPath + [CodingKeys.stem], imageSize: imageSize,
        patches: imageSize / patchSize)
    }
  }
}

/// The architecture of the text encoder: a BERT with cross-attention.
public struct TextConfiguration: Sendable, Equatable, Decodable {
  /// The number of rows of the word embedding; the widths of a token and of the feed-forward layer;
  /// the numbers of layers and heads.
  public let vocabularySize, hiddenSize, intermediateSize, layers, heads: Int
  /// The width of a patch feature: that of the image encoder.
  public fileprivate(set) var encoderHiddenSize: Int
  /// The number of rows of the position embedding.
  public let maximumPositions: Int
  /// The ε of all layer norms.
  public let layerNormEpsilon: Float
  /// The ids of [DEC] (`bos_token_id`), [ENC] (`enc_token_id`, missing in published
  /// configurations), [SEP] and [PAD].
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

  /// Missing keys have the defaults of Hugging Face's `BlipTextConfig`.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    vocabularySize = try file.integer(.vocabularySize, default: 30524, in: 1...10_000_000)
    hiddenSize = try file.integer(.hiddenSize, default: 768, in: 1...maximumWidth)
    encoderHiddenSize = try file.integer(.encoderHiddenSize, default: 768, in: 1...maximumWidth)
    intermediateSize = try file.integer(.intermediateSize, default: 3072, in: 1...maximumWidth)
    layers = try file.integer(.layers, default: 12, in: 1...maximumLayers)
    // BLIP itself has 12, but BlipTextConfig's default is 8, and it omits defaults when saving: a
    // folder without the key was run with 8. Published folders say 12, since
    // huggingface/transformers#22625.
    heads = try file.integer(.heads, default: 8, in: 1...hiddenSize)
    guard hiddenSize % heads == 0 else {
      throw file.invalid(.heads, "\(heads) does not divide the width \(hiddenSize)")
    }
    maximumPositions = try file.integer(.maximumPositions, default: 512, in: 2...65_536)
    layerNormEpsilon = try file.float(.layerNormEpsilon, default: 1e-12, in: 0...1)
    try file.require(
      .activation, "gelu", otherwise: "is not \"gelu\", the only supported activation")
    let ids = 0...vocabularySize - 1
    decoderToken = Int32(try file.integer(.decoderToken, default: 30522, in: ids))
    encoderToken = Int32(try file.integer(.encoderToken, default: 30523, in: ids))
    separatorToken = Int32(try file.integer(.separatorToken, default: 102, in: ids))
    paddingToken = Int32(try file.integer(.paddingToken, default: 0, in: ids))
  }
}

/// Bounds far above any BLIP model, so that no product of sizes overflows.
let maximumWidth = 65_536
private let maximumLayers = 256
