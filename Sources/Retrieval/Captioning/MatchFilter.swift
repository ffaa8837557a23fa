public import BLIP
internal import Checkpoints
internal import Files
public import Images
public import Store
internal import Tensors

/// A picture with texts that may be about it.
public struct FilterInput: Sendable {
  /// The picture as the set names it.
  public let name: String
  /// Where it lies.
  public let path: [UInt8]
  /// The texts, each with where it is from.
  public internal(set) var texts: [(text: String, source: TextSource)]
  /// Its number in the index, where there is one.
  let id: UInt64?

  /// A picture of a captions file.
  public init(name: String, path: [UInt8], texts: [(text: String, source: TextSource)]) {
    (self.name, self.path, self.texts, id) = (name, path, texts, nil)
  }

  init(_ record: PictureRecord, id: UInt64, of roots: CollectionRoots, texts: [TextRecord]) {
    name = String(decoding: roots.name(of: record.path), as: UTF8.self)
    path = roots.location(of: record.path)
    self.texts = texts.map { ($0.text, $0.source) }
    self.id = id
  }

  /// What is said of its texts.
  /// - Parameter probability: That of a text by its place.
  func judged(_ probability: (Int) -> Result<Float, RetrievalError>) -> [FilteredText] {
    texts.enumerated().map {
      FilteredText(
        picture: name, path: path, text: $0.element.text, source: $0.element.source,
        probability: probability($0.offset))
    }
  }

  /// Its texts, of which nothing is known since the picture cannot be read.
  func unread(_ error: RetrievalError) -> [FilteredText] { judged { _ in .failure(error) } }
}

/// What the filter says of a text and its picture.
public struct FilteredText: Sendable {
  /// The picture as the set names it.
  public let picture: String
  /// Where it lies.
  public let path: [UInt8]
  /// The text.
  public let text: String
  /// Where the text is from.
  public let source: TextSource
  /// How likely the text describes the picture, as ``TextHit`` says it: ITM's probability of a match where
  /// the model is not calibrated. An error where the picture could not be looked at.
  public let probability: Result<Float, RetrievalError>

  /// A result, for example one that was saved earlier.
  public init(
    picture: String, path: [UInt8], text: String, source: TextSource,
    probability: Result<Float, RetrievalError>
  ) {
    (self.picture, self.path, self.text) = (picture, path, text)
    (self.source, self.probability) = (source, probability)
  }

  /// Whether the pair is no noise: its probability is above the threshold.
  public func isKept(above threshold: Float) -> Bool {
    if case .success(let probability) = probability { probability > threshold } else { false }
  }
}

/// CapFilt's filter (Li et al. 2022, section 3.3): how likely each text describes its picture, by the
/// image-grounded text encoder (ITM) and, where the model is calibrated, by the cosine too.
///
/// ```swift
/// let noisy = try CaptionedFiles(captions: "web.json", images: "photos")
/// let filter = try await MatchFilter()
/// for try await texts in filter.results(of: noisy.pictures) {
///   for text in texts where !text.isKept(above: filter.usualThreshold) {
///     print("does not match \(text.picture): \(text.text)")
///   }
/// }
/// ```
public struct MatchFilter: Sendable {
  private static let picturesPerTask = 8

  private let model: BLIPModel
  private let decoder: any PictureDecoder
  /// The index whose patch features serve, where there is one.
  private let store: IndexStore?
  /// The format of those features.
  private let features: FeaturePrecision

  /// Loads a filter of captions files.
  ///
  /// Parameters and errors are those of ``PictureCaptioner/init(model:precision:settings:cache:decoder:)``.
  public init(
    model: String? = nil, precision: Precision = .auto, cache: String? = nil,
    decoder: any PictureDecoder = ImageDecoder()
  ) async throws(RetrievalError) {
    self.init(
      model: try await loadModel(model, precision: precision, cache: cache), decoder: decoder)
  }

  init(model: BLIPModel, decoder: any PictureDecoder) {
    (self.model, self.decoder, store, features) = (model, decoder, nil, .none)
  }

  /// Loads a filter of the texts of an index, by its own model.
  ///
  /// The index must not be open in this process, and is open as long as the filter is there.
  /// - Parameters:
  ///   - index: The index directory.
  ///   - model: The folder of the model that the index was built with, if it has moved.
  ///   - precision: The number format to compute in; `auto` is that of the index.
  ///   - cache: As for ``PictureIndex/open(_:model:precision:cache:decoder:)``.
  ///   - decoder: What decodes pictures.
  public init(
    index: String, model: String? = nil, precision: Precision = .auto, cache: String? = nil,
    decoder: any PictureDecoder = ImageDecoder()
  ) async throws(RetrievalError) {
    let store = try IndexStore.open(index)
    let metadata = store.metadata
    self.model = try await blocking { () throws(RetrievalError) in
      try asRetrievalError(.unusableModel) {
        try BLIPModel(
          folder: ModelLocator(index: index, metadata: metadata).folder(given: model),
          precision: precision == .auto ? metadata.precision : precision, cache: cache)
      }
    }
    self.decoder = decoder
    self.store = store
    features = metadata.features
  }

  /// The name of the model.
  public var modelName: String { model.folder.name }

  /// The probability above which a text is kept, unless the caller has another threshold.
  public var usualThreshold: Float { model.folder.configuration.filterThreshold }

  /// The model and everything else that scores depend on, besides the picture and the text.
  public var description: String {
    "\(model.folder.name) \(model.folder.fingerprint.prefix(12)), \(model.precision.rawValue)"
      + (features == .none ? "" : ", features \(features.rawValue)") + calibration
  }

  /// The calibration of probabilities, which is no part of the fingerprint.
  var calibration: String {
    model.folder.configuration.calibration?.texts.map { texts in
      let logistic = texts.reranked
      return ", calibration \(logistic.match) \(logistic.cosine) \(logistic.bias)"
    } ?? ""
  }

  /// Whether probabilities are calibrated; otherwise they are ITM's of a match.
  public var isCalibrated: Bool { model.folder.configuration.calibration?.texts != nil }

  /// The pictures of the index that have texts, by id; without an index, none.
  public func indexedTexts() throws -> [FilterInput] {
    guard let store else { return [] }
    return try store.read { snapshot in
      let roots = snapshot.metadata.roots
      var inputs: [FilterInput] = []
      try snapshot.forEachPicture { id, record in
        let texts = try snapshot.textRecords(of: id).map(\.record)
        guard !texts.isEmpty else { return }
        inputs.append(FilterInput(record, id: id, of: roots, texts: texts))
      }
      return inputs
    }
  }

  /// The texts of each picture with their probabilities, in the order of the pictures.
  ///
  /// Whatever is wrong with a picture's file is said of its texts. Where the task is cancelled, no
  /// further group of pictures is begun.
  public func results(of pictures: [FilterInput]) -> EventSequence<[FilteredText]> {
    EventSequence { report in
      _ = try await orderedConcurrentMap(
        pictures, perTask: Self.picturesPerTask, shouldStop: { Task.isCancelled },
        work: { try $0.map { try judge($0) } }, take: { $0.forEach(report) })
    }
  }

  private func judge(_ input: FilterInput) throws -> [FilteredText] {
    if let id = input.id, let stored = try stored(id) { return try judge(input, stored) }
    let picture: Picture
    do throws(RetrievalError) {
      picture = try decoder.picture(
        .file(input.path), forSide: model.folder.preprocessing.imageSize)
    } catch { return input.unread(error) }
    return try judge(input, model.encode(picture))
  }

  /// What the index has of a picture; nil if it has no patch features.
  private func stored(_ id: UInt64) throws -> ImageEncoding? {
    try store?.read { snapshot in
      guard let features = try snapshot.features(picture: id),
        let embedding = try snapshot.embedding(picture: id)
      else { return nil }
      return ImageEncoding(features: features, embedding: embedding)
    }
  }

  /// - Parameter picture: Its picture, encoded.
  func judge(_ input: FilterInput, _ picture: ImageEncoding) throws -> [FilteredText] {
    let texts = input.texts.map { model.tokens(of: $0.text) }
    let candidates = try matched(texts, with: picture, by: model)
    return input.judged { .success(candidates[$0].shownProbability ?? 0) }
  }
}
