public import Checkpoints
internal import Files
internal import Images
internal import Tensors
public import Tokenization

/// A BLIP model. Each part is loaded from the mapped folder when it is first used, so that a search by
/// text never touches the image encoder. Any number of threads may use one model.
public final class BLIPModel: Sendable {
  /// The model's folder, with its configuration.
  public let folder: ModelFolder
  /// The precision it computes in; never `auto`.
  public let precision: Precision
  /// The model's tokenizer.
  public let tokenizer: WordPieceTokenizer

  let normalization: PixelNormalization
  let imageEncoder: Lazy<ImageEncoder>
  let textEncoder: Lazy<TextEncoder>
  let matchHead: Lazy<MatchHead>
  let textDecoder: Lazy<TextDecoder>
  private let bank: Lazy<TextBank?>
  let imageActivations = Pool { ImageEncoder.Activations() }
  let textActivations = Pool { TextActivations() }

  /// What a model is used for, which determines the parts that it must have.
  public enum Use: Sendable {
    /// Encoding and matching: everything but the text decoder.
    case retrieval
    /// The text decoder, and whatever else there is: a captioner's checkpoint has no text encoder.
    case captions
  }

  /// Checks the name and shape of every tensor, but reads no weights yet. Throws an error naming a
  /// tensor that is missing, has a wrong shape or is not used, or what the configuration has that is
  /// not supported.
  /// - Parameters:
  ///   - use: What the model must support. Anything else may throw when it is used.
  ///   - cache: A directory where packed weights are kept from run to run; nil for none.
  public init(
    folder: ModelFolder, precision: Precision = .fp32, use: Use = .retrieval, cache: String? = nil
  ) throws {
    let parts = try ModelParts(of: folder, for: use)
    try Self.requireMemory(for: folder)
    let precision = precision.resolved
    self.folder = folder
    self.precision = precision
    tokenizer = try WordPieceTokenizer(vocabularyPath: folder.vocabularyPath)
    normalization = PixelNormalization(folder.preprocessing)
    let weights = folder.weights
    let cache = cache.map {
      PackedCache(folder: $0, fingerprint: folder.fingerprint, precision: precision)
    }
    @Sendable func loaded<Part: ModelPart>(_ part: Part, _ name: String) throws -> Part {
      try part.cached(name, in: cache, of: weights) { try part.loaded(from: weights, precision) }
    }
    imageEncoder = Lazy { try loaded(parts.image, "image-encoder") }
    let textEncoder = Lazy {
      if parts.onlyCaptions { throw BLIPError.cannotRetrieve(folder) }
      return try loaded(parts.text, "text-encoder")
    }
    let matchHead = Lazy {
      if parts.onlyCaptions { throw BLIPError.cannotRetrieve(folder) }
      return try loaded(parts.match, "cross-attention")
    }
    self.textEncoder = textEncoder
    self.matchHead = matchHead
    bank = Lazy { try TextBank(of: folder) }
    textDecoder = Lazy {
      var decoder = try loaded(parts.decoder, "text-decoder")
      if parts.decoder.sharesEncoder { decoder.share(try textEncoder(), try matchHead()) }
      return decoder
    }
  }

  /// Throws if this process may not have the memory that the model's weights take. Their pages in the file are
  /// given back as they are converted.
  private static func requireMemory(for folder: ModelFolder) throws(ResourceError) {
    let weights = folder.weights.storage.reduce(0) { $0 + $1.bytes }
    if let limit = ResourceLimits.memory, limit < weights + (40 << 20) {
      throw ResourceError(
        "\(folder.path): the model takes about \((weights >> 20) + 40) MiB of memory, and the control "
          + "group (cgroup) of this process allows \(limit >> 20) MiB; raise its limit")
    }
    let needed = weights + (96 << 20)
    guard ResourceLimits.hasAddressSpace(needed) else {
      throw ResourceError(
        "\(folder.path): the model needs about \(needed >> 20) MiB more of address space than this "
          + "process may have; raise the limit (ulimit -v)")
    }
  }

  /// The texts that come with the model to find hubs by; nil if there are none.
  package func textBank() throws -> TextBank? { try bank() }
}

extension BLIPError {
  static func cannotRetrieve(_ folder: ModelFolder) -> BLIPError {
    BLIPError(
      "\(folder.path): a captioning model has no text encoder and no ITC and ITM heads; use one that "
        + "has, such as Salesforce/blip-itm-base-coco")
  }
}
