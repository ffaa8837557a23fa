public import BLIP
internal import Checkpoints
internal import Digests
internal import Files
public import Images
public import Store
internal import Tensors

/// A picture's caption, or why there is none.
public struct GeneratedCaption: Sendable {
  /// The picture, as the caller named it.
  public let picture: PictureSource
  /// The caption; an error names the picture and says what is wrong with it.
  public let caption: Result<String, RetrievalError>
}

/// Generates captions of pictures, without an index.
///
/// ```swift
/// let captioner = try await PictureCaptioner()
/// for try await generated in captioner.captions(of: ["cat.jpg", "dog.jpg"]) {
///   switch generated.caption {
///   case .success(let caption): print(caption)
///   case .failure(let error): print(error)
///   }
/// }
/// ```
///
/// Groups of pictures are worked on in several tasks at once: while one reads and decodes, another
/// generates. ``PictureIndex/generateCaptions(options:)`` captions the pictures of an index.
public struct PictureCaptioner: Sendable, CustomStringConvertible {
  /// Pictures of a task. Their sequences grow together: a step reads the model's weights once for all.
  static let picturesPerTask = 8

  /// Opened for captions.
  let model: BLIPModel
  let settings: GenerationSettings
  let decoder: any PictureDecoder

  /// Loads a model that generates captions.
  /// - Parameters:
  ///   - model: The folder of the model. Nil: the default model.
  ///   - precision: The number format to compute in.
  ///   - settings: How captions are generated.
  ///   - cache: As for ``PictureIndex/open(_:model:precision:cache:decoder:)``.
  ///   - decoder: What decodes pictures.
  /// - Throws: `RetrievalError` with the code `unusableModel`.
  public init(
    model: String? = nil, precision: Precision = .auto,
    settings: GenerationSettings = GenerationSettings(), cache: String? = nil,
    decoder: any PictureDecoder = ImageDecoder()
  ) async throws(RetrievalError) {
    self.init(
      model: try await loadModel(model, precision: precision, use: .captions, cache: cache),
      settings: settings, decoder: decoder)
  }

  init(model: BLIPModel, settings: GenerationSettings, decoder: any PictureDecoder) {
    self.model = model
    self.settings = model.completed(settings)
    self.decoder = decoder
  }

  /// The model and all that a caption depends on: what marks a synthetic text.
  public var description: String {
    "\(model.folder.name) \(model.folder.fingerprint.prefix(12)), \(model.precision.rawValue), "
      + "\(settings)"
  }

  /// Captions pictures and hands them over in their order, as soon as they are there. Whatever is wrong
  /// with a picture is its own result.
  ///
  /// Where the task is cancelled, no further group of pictures is begun.
  public func captions(of pictures: [PictureSource]) -> EventSequence<GeneratedCaption> {
    EventSequence { report in
      _ = try await orderedConcurrentMap(
        pictures, perTask: Self.picturesPerTask, shouldStop: { Task.isCancelled },
        work: { try generated($0) }, take: { $0.forEach(report) })
    }
  }

  private func generated(_ sources: [PictureSource]) throws -> [GeneratedCaption] {
    let read = sources.map { source in
      do throws(RetrievalError) {
        return Result<_, RetrievalError>.success(try self.read(source))
      } catch { return .failure(error) }
    }
    let pictures = try read.compactMap { try? $0.get() }.map {
      (features: try features(of: $0.picture), key: $0.key)
    }
    var captions = try self.captions(pictures).makeIterator()
    return zip(sources, read).map { source, read in
      GeneratedCaption(picture: source, caption: read.map { _ in captions.next()! })
    }
  }

  func features(of picture: Picture) throws -> Matrix {
    try model.features(of: model.pixels(of: picture))
  }

  /// The texts for pictures of the given features and keys.
  func captions(_ pictures: [(features: Matrix, key: UInt64)]) throws -> [String] {
    try model.captions(
      of: pictures.map(\.features), settings, keys: pictures.map(\.key)
    ).map(\.text)
  }

  /// A picture, and the key of its content.
  /// - Parameter hash: The SHA-256 that its content must have, where that is known.
  func read(
    _ source: PictureSource, hash: [UInt8]? = nil
  ) throws(RetrievalError) -> (picture: Picture, key: UInt64) {
    let bytes: [UInt8]
    switch source {
    case .contents(let contents, _): bytes = contents
    case .decoded(let picture, _):
      return (picture, Self.key(ofContent: SHA256.digest(of: picture.pixels)))
    case .indexed:
      throw RetrievalError(.invalidQuery, "\(source.name) can be asked of its index only")
    case .file(let path):
      do { bytes = try FileSystem.read(path, limit: decoder.maximumBytes).bytes } catch {
        throw RetrievalError(.unreadablePicture, "\(printable(path)): \(error)")
      }
    }
    let found = SHA256.digest(of: bytes)
    if let hash, found != hash {
      throw RetrievalError("\(printable(source.name)): it has changed since; index again first")
    }
    let picture = try decoder.picture(
      .contents(bytes, name: printable(source.name)), forSide: model.folder.preprocessing.imageSize)
    return (picture, Self.key(ofContent: found))
  }

  /// What nucleus sampling draws for a picture depends on its content, not on where it lies.
  static func key(ofContent hash: [UInt8]) -> UInt64 {
    hash.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
