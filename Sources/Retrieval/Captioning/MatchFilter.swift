package import BLIP
internal import Checkpoints
internal import Files
package import Images
package import Store
internal import Tensors

/// A picture with texts that may be about it.
package struct FilterInput: Sendable {
  /// The picture as the set names it.
  package let name: String
  /// Where it lies.
  package let path: [UInt8]
  /// The texts, each with where it is from.
  package internal(set) var texts: [(text: String, source: TextSource)]
  /// Its number in the index, where there is one.
  let id: UInt64?

  /// A picture of a captions file.
  package init(name: String, path: [UInt8], texts: [(text: String, source: TextSource)]) {
    (self.name, self.path, self.texts, id) = (name, path, texts, nil)
  }

  init(_ record: PictureRecord, id: UInt64, of roots: CollectionRoots, texts: [TextRecord]) {
    name = String(decoding: roots.name(of: record.path), as: UTF8.self)
    path = roots.location(of: record.path)
    self.texts = texts.map { ($0.text, $0.source) }
    self.id = id
  }

  /// What is said of its texts.
  /// - Parameter match: The probability of a text by its place.
  func judged(_ match: (Int) -> Result<Float, RetrievalError>) -> [FilteredText] {
    texts.enumerated().map {
      FilteredText(
        picture: name, path: path, text: $0.element.text, source: $0.element.source,
        match: match($0.offset))
    }
  }

  /// Its texts, of which nothing is known since the picture cannot be read.
  func unread(_ error: RetrievalError) -> [FilteredText] { judged { _ in .failure(error) } }
}

/// What the filter says of a text and its picture.
package struct FilteredText: Sendable {
  /// The picture as the set names it.
  package let picture: String
  /// Where it lies.
  package let path: [UInt8]
  /// The text.
  package let text: String
  /// Where the text is from.
  package let source: TextSource
  /// ITM's probability of a match; an error where the picture could not be looked at.
  package let match: Result<Float, RetrievalError>

  /// Whether the pair is no noise: its probability is above the threshold.
  package func isKept(above threshold: Float) -> Bool {
    if case .success(let probability) = match { probability > threshold } else { false }
  }
}

/// CapFilt's filter (Li et al. 2022, section 3.3): how likely each text is about its picture, by the
/// image-grounded text encoder.
package struct MatchFilter: Sendable {
  private static let picturesPerTask = 8

  private let model: BLIPModel
  private let decoder: any PictureDecoder
  /// The index whose patch features serve, where there is one.
  private let store: IndexStore?
  /// The format of those features.
  private let features: FeaturePrecision

  /// A filter of captions files.
  package init(model: BLIPModel, decoder: any PictureDecoder = ImageDecoder()) {
    (self.model, self.decoder, store, features) = (model, decoder, nil, .none)
  }

  /// A filter of the texts of an index, by its own model.
  /// - Parameters:
  ///   - modelPath: Where that model lies; nil: where it lay, or the default model.
  ///   - precision: `auto` is that of the index.
  ///   - cache: The folder where packed weights are kept.
  package init(
    index: String, modelPath: String?, precision: Precision,
    decoder: any PictureDecoder = ImageDecoder(), cache: String? = nil
  ) throws {
    let store = try IndexStore.open(index)
    let metadata = store.metadata
    let folder = try ModelLocator(index: index, metadata: metadata).folder(given: modelPath)
    model = try BLIPModel(
      folder: folder, precision: precision == .auto ? metadata.precision : precision, cache: cache)
    self.decoder = decoder
    self.store = store
    features = metadata.features
  }

  /// The name of the model.
  package var modelName: String { model.folder.name }

  /// The threshold for this model where none is given.
  package var usualThreshold: Float { model.folder.configuration.filterThreshold }

  /// The model and everything else that scores depend on, besides the picture and the text.
  package var description: String {
    "\(model.folder.name) \(model.folder.fingerprint.prefix(12)), \(model.precision.rawValue)"
      + (features == .none ? "" : ", features \(features.rawValue)")
  }

  /// The pictures of the index that have texts, by id; without an index, none.
  package func indexed() throws -> [FilterInput] {
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

  /// Judges all texts of the pictures and hands them over in their order, picture by picture.
  ///
  /// Whatever is wrong with a picture's file is said of its texts. Returns whether all were done: once
  /// `shouldStop` says so, no further group is begun.
  package func run(
    _ inputs: [FilterInput], shouldStop: @escaping @Sendable () -> Bool,
    take: ([FilteredText]) throws -> Void
  ) async throws -> Bool {
    try await orderedConcurrentMap(
      inputs, perTask: Self.picturesPerTask, shouldStop: shouldStop,
      work: { try $0.map { try judge($0) } },
      take: { try $0.forEach(take) })
  }

  private func judge(_ input: FilterInput) throws -> [FilteredText] {
    if let id = input.id, let stored = try store?.read({ try $0.features(picture: id) }) {
      return try judge(input, features: stored)
    }
    let picture: Picture
    do {
      picture = try readPicture(
        at: input.path, decoder: decoder, side: model.folder.preprocessing.imageSize)
    } catch let error as RetrievalError { return input.unread(error) }
    return try judge(input, features: try model.features(of: model.pixels(of: picture)))
  }

  /// - Parameter features: The patch features of its picture.
  func judge(_ input: FilterInput, features: Matrix) throws -> [FilteredText] {
    let logits = try model.match(
      texts: input.texts.map { model.tokens(of: $0.text) }, features: features)
    return input.judged { .success(logits[$0].probability) }
  }
}
