public import Checkpoints
public import Images
public import Tensors
public import Tokenization

/// A BLIP: its parts are loaded from the mapped folder when first used, each by itself, so that a
/// search by text never touches the image encoder. Any number of threads may use one model.
public final class BLIPModel: Sendable {
  /// Where the model comes from, with its configuration.
  public let folder: ModelFolder
  /// In which numbers it computes; never `auto`.
  public let precision: Precision
  /// The model's tokenizer.
  public let tokenizer: WordPieceTokenizer

  private let normalization: PixelNormalization
  private let imageEncoder: Lazy<ImageEncoder>
  private let textEncoder: Lazy<TextEncoder>
  private let matchHead: Lazy<MatchHead>
  let textDecoder: Lazy<TextDecoder>
  private let imageActivations = Pool { ImageEncoder.Activations() }
  private let textActivations = Pool { TextEncoder.Activations() }

  /// What a model is opened for, and has to hold.
  public enum Use: Sendable {
    /// Encoding and matching: everything but the text decoder.
    case retrieval
    /// The text decoder, and what else there is: a checkpoint of a captioner has no text encoder.
    case captions
  }

  /// Checks the name and shape of every tensor, but reads no weights yet. Throws naming a tensor that
  /// is missing, wrongly shaped or of no use, and what cannot be run in the configuration.
  /// - Parameters:
  ///   - use: What it has to be able to do. What it cannot do throws when it is asked for.
  ///   - cache: A folder where packed weights are kept from run to run; nil: nowhere.
  public init(
    folder: ModelFolder, precision: Precision = .fp32, use: Use = .retrieval, cache: String? = nil
  ) throws {
    self.folder = folder
    self.precision = precision.resolved
    let (configuration, weights) = (folder.configuration, folder.weights)
    let decoder = TextDecoder(configuration.text, weights: weights)
    let words = TextEmbedding.words(configuration.text)
    let onlyCaptions = use == .captions && weights.shape(of: words.name) == nil
    let image = try ImageEncoder(configuration, hasProjection: !onlyCaptions)
    let text = TextEncoder(configuration, weights: weights)
    let match = MatchHead(configuration.text)

    if use == .captions, !TextDecoder.isPresent(in: weights) {
      throw BLIPError(
        "\(folder.path): the model has no text decoder and cannot caption; give one that has "
          + "(--model), such as Salesforce/blip-image-captioning-base or the one that comes with blip"
      )
    }
    var expected = try image.shapes()
    func expect(_ part: some ModelPart) throws {
      expected.merge(try part.shapes()) { _, _ in
        preconditionFailure("a parameter belongs to one part")
      }
    }
    if use == .captions { try expect(decoder) }
    if !onlyCaptions {
      try expect(text)
      try expect(match)
      expected[words.name] = words.shape
    }
    try weights.requireExactly(expected, ignoring: { $0.hasPrefix("text_decoder.") })

    tokenizer = try WordPieceTokenizer(vocabularyPath: folder.vocabularyPath)
    normalization = PixelNormalization(folder.preprocessing)
    let precision = precision.resolved
    let cache = cache.map {
      PackedCache(
        folder: $0, fingerprint: folder.fingerprint, precision: precision)
    }
    imageEncoder = Lazy {
      try image.cached("image-encoder", in: cache, of: weights) {
        try image.loaded(from: weights, precision)
      }
    }
    let textEncoder = Lazy {
      if onlyCaptions { throw BLIPError.cannotRetrieve(folder) }
      return try text.cached("text-encoder", in: cache, of: weights) {
        try text.loaded(from: weights, precision)
      }
    }
    let matchHead = Lazy {
      if onlyCaptions { throw BLIPError.cannotRetrieve(folder) }
      return try match.cached("cross-attention", in: cache, of: weights) {
        try match.loaded(from: weights, precision)
      }
    }
    self.textEncoder = textEncoder
    self.matchHead = matchHead
    textDecoder = Lazy {
      var loaded = try decoder.cached("text-decoder", in: cache, of: weights) {
        try decoder.loaded(from: weights, precision)
      }
      if decoder.sharesEncoder { loaded.share(try textEncoder(), try matchHead()) }
      return loaded
    }
  }
}

// MARK: - Pictures

extension BLIPModel {
  /// Resizes, normalises and encodes one picture.
  /// - Parameter keepsFeatures: False where only the embedding is wanted, which then takes less time.
  public func encode(_ picture: Picture, keepsFeatures: Bool = true) throws -> ImageEncoding {
    try encode(pixels: pixels(of: picture), keepsFeatures: keepsFeatures)
  }

  /// Resizes and normalises one picture to what the image encoder takes.
  public func pixels(of picture: Picture) -> FeatureMap {
    let side = folder.configuration.vision.imageSize
    return normalization(picture.resized(width: side, height: side))
  }

  /// Encodes what `pixels(of:)` made of a picture, as `encode`.
  public func encode(pixels: FeatureMap, keepsFeatures: Bool = true) throws -> ImageEncoding {
    try encode(pixels: pixels, keepsFeatures: keepsFeatures, observe: nil)
  }

  /// Encodes a normalised picture of the configured size.
  func encode(
    pixels: FeatureMap, keepsFeatures: Bool = true, observe: Observer?
  ) throws -> ImageEncoding {
    let encoder = try imageEncoder()
    guard encoder.hasProjection else { throw BLIPError.cannotRetrieve(folder) }
    return imageActivations.lend {
      encoder(pixels, keepsFeatures: keepsFeatures, &$0, observe: observe)
    }
  }

  /// The patch features `[1 + P, D]` of what `pixels(of:)` made of a picture: all that ITM and the
  /// decoder need of it.
  public func features(of pixels: FeatureMap) throws -> Matrix {
    let encoder = try imageEncoder()
    return imageActivations.lend { encoder.features(pixels, &$0) }
  }
}

extension BLIPError {
  static func cannotRetrieve(_ folder: ModelFolder) -> BLIPError {
    BLIPError(
      "\(folder.path): a captioner's model has no text encoder and no ITC and ITM heads; give one "
        + "that has (--model), such as Salesforce/blip-itm-base-coco")
  }
}

extension BLIPModel {
  /// What the first layers of the convolutional stem make of what `pixels(of:)` made of a picture,
  /// `[pixels, channels]`; nil for a model without a stem. Training keeps what those give that are
  /// frozen.
  package func stemOutput(of pixels: FeatureMap, layers: Int) throws -> Matrix? {
    // A model without one need not load its encoder to say so.
    guard folder.configuration.vision.stem != nil else { return nil }
    let encoder = try imageEncoder()
    return imageActivations.lend { encoder.stemOutput(of: pixels, layers: layers, &$0) }
  }
}

// MARK: - Texts

extension BLIPModel {
  /// Token ids `[CLS] … [SEP]` of a text (cleaned, at most 35).
  public func tokens(of text: String) -> [Int32] {
    tokenizer.encode(cleanCaption(text), maximumLength: 35)
  }

  /// ITC embeddings of texts of any lengths, each run at its own length.
  public func embed(texts: [[Int32]]) throws -> [[Float]] {
    try embed(texts: texts, observe: nil)
  }

  func embed(texts: [[Int32]], observe: Observer?) throws -> [[Float]] {
    try texts.forEach(check)
    let encoder = try textEncoder()
    return try textActivations.lend { activations in
      var embeddings: [[Float]] = []
      for range in chunks(texts.map(\.count)) {
        let rows = try encoder(Array(texts[range]), &activations, observe: observe)
        embeddings += encoder.embeddings(of: rows)
      }
      return embeddings
    }
  }

  /// Refuses ids that the model has no embedding for.
  private func check(_ text: [Int32]) throws(BLIPError) {
    let configuration = folder.configuration.text
    guard 1...configuration.maximumPositions ~= text.count else {
      throw BLIPError(
        "\(folder.path): a text of \(text.count) tokens; the model takes 1 to "
          + "\(configuration.maximumPositions)")
    }
    if let id = text.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
      throw BLIPError(
        "\(folder.path): token \(id) is not in the model's vocabulary of "
          + "\(configuration.vocabularySize)")
    }
  }
}

// MARK: - Image-text matching

extension BLIPModel {
  /// ITM of one text ([CLS] replaced by [ENC] here) against several pictures' features.
  public func match(text: [Int32], features: [Matrix]) throws -> [MatchLogits] {
    try logits(
      texts: [groundedTokens(text)], pictures: features,
      pairs: features.indices.map { Grounding.Pair(text: 0, picture: $0) })
  }

  /// ITM of several texts ([CLS] replaced by [ENC] here) against one picture.
  public func match(texts: [[Int32]], features: Matrix) throws -> [MatchLogits] {
    try logits(
      texts: texts.map(groundedTokens), pictures: [features],
      pairs: texts.indices.map { Grounding.Pair(text: $0, picture: 0) })
  }

  /// [ENC] stands in place of [CLS], as in BLIP's evaluation.
  private func groundedTokens(_ text: [Int32]) -> [Int32] {
    text.prefix(1).map { _ in folder.configuration.text.encoderToken } + text.dropFirst()
  }

  /// ITM of the given pairs, token ids as they are; the texts of one picture, or the pictures of one
  /// text, are run together.
  func logits(
    texts: [[Int32]], pictures: [Matrix], pairs: [Grounding.Pair],
    order: BERTAttention.Order? = nil, observe: Observer? = nil
  ) throws -> [MatchLogits] {
    try texts.forEach(check)
    let width = folder.configuration.text.encoderHiddenSize
    if let picture = pictures.first(where: { $0.columns != width || $0.rows == 0 }) {
      throw BLIPError(
        "\(folder.path): patch features of \(picture.rows)×\(picture.columns) where the model has "
          + "a width of \(width); were they made by another model?")
    }
    let (encoder, head) = (try textEncoder(), try matchHead())
    return try textActivations.lend { activations in
      var logits: [MatchLogits] = []
      for range in chunks(pairs.map { texts[$0.text].count }, pictures: pairs.map(\.picture)) {
        let grounding = Grounding(
          attention: head.attention, texts: texts, pictures: pictures, pairs: pairs[range],
          order: order)
        let rows = try encoder(
          grounding.texts, grounding: grounding, &activations, observe: observe)
        logits += head.logits(of: rows)
      }
      return logits
    }
  }
}

/// Cuts a batch of texts of the given lengths, and the pictures they look at if they do, so that the
/// rows run together stay within the caches' reach, and memory bounded.
private func chunks(_ lengths: [Int], pictures: [Int] = []) -> [Range<Int>] {
  let (mostRows, mostPictures) = (1024, 16)
  var chunks: [Range<Int>] = []
  var (start, rows, seen) = (0, 0, Set<Int>())
  for (index, length) in lengths.enumerated() {
    if !pictures.isEmpty { seen.insert(pictures[index]) }
    if (rows + length > mostRows || seen.count > mostPictures) && index > start {
      chunks.append(start..<index)
      (start, rows) = (index, 0)
      seen = pictures.isEmpty ? [] : [pictures[index]]
    }
    rows += length
  }
  if start < lengths.count { chunks.append(start..<lengths.count) }
  return chunks
}
