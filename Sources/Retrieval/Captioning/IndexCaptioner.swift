import BLIP
internal import Checkpoints
internal import Files
import Images
internal import Store
internal import Tensors

/// What happens while the pictures of an index are captioned.
public enum CaptioningEvent: Sendable, Equatable {
  /// Another run writes the index, and this one waits for its end: who it is.
  case waiting(String)
  /// Pictures of the index, of which so many have to be captioned.
  case planned(pictures: Int, toCaption: Int)
  /// Pictures captioned and committed, or skipped, so far.
  case captioned(Int)
  /// A picture without a caption, and why.
  case skipped(String)
  /// Something that the user should know and that stops nothing.
  case warning(String)
  /// Captioning has ended; always the last event.
  case finished(CaptioningSummary)
}

/// What came of captioning an index.
public struct CaptioningSummary: Sendable, Equatable {
  /// Pictures of the index.
  public var pictures = 0
  /// Pictures captioned in this run.
  public var captioned = 0
  /// Pictures that had a caption of this captioner.
  public var unchanged = 0
  /// Pictures that could not be captioned.
  public var skipped = 0
  /// How long it took.
  public var seconds = 0.0
  /// Stopped by the caller before the end; the next run continues.
  public var interrupted = false
  /// The model and the settings, as synthetic texts name them.
  public var captioner = ""

  /// Nothing yet.
  public init() {}
}

/// Writes captions of an index's pictures into its texts, marked as synthetic: they are found at once
/// by a search for texts. A picture has one synthetic text; one of another captioner is replaced.
///
/// A caption is there when its transaction is; nothing else records progress, so that a run may end
/// at any moment and the next one continues.
final class IndexCaptioner: Sendable {
  /// Who captions.
  private let captioner: PictureCaptioner
  /// The model of the index, which embeds the captions.
  private let encoder: BLIPModel
  private let index: String
  private let metadata: IndexMetadata
  /// The root whose pictures are captioned; nil: all.
  private let root: Int?

  /// A picture of the index.
  private struct Job: Sendable {
    let id: UInt64
    let path: [UInt8]
    let contentHash: [UInt8]
  }

  private enum Outcome: Sendable {
    case captioned(id: UInt64, text: String, embedding: [Float])
    case skipped(RetrievalError)
  }

  /// Captions the index at a path; packed weights are kept in `cache`.
  init(
    index: String, metadata: IndexMetadata, _ options: CaptioningOptions, cache: String?,
    decoder: any PictureDecoder
  ) throws {
    self.index = index
    self.metadata = metadata
    root = try options.root.map { path in
      guard let root = metadata.roots.root(at: path) else {
        throw RetrievalError(.folderNotFound, "the index \(index) has no root \(path)")
      }
      return root.number
    }
    let precision = options.precision == .auto ? metadata.precision : options.precision
    let own = try ModelLocator(index: index, metadata: metadata).folder(given: nil)
    let given = try options.model.map { try ModelFolder(path: $0) }
    let model = try BLIPModel(
      folder: given ?? own, precision: precision, use: .captions, cache: cache)
    captioner = PictureCaptioner(
      model: model, settings: options.settings, decoder: decoder)
    encoder =
      model.folder.fingerprint == metadata.model.fingerprint && precision == metadata.precision
      ? model : try BLIPModel(folder: own, precision: metadata.precision, cache: cache)
  }

  /// Captions all pictures that have no caption of this captioner.
  /// - Parameter open: Opens the index for writing.
  ///
  /// Swift 6.3.1 crashes in a release build where this is inlined into an async function.
  @inline(never)
  func run(
    open: @Sendable () async throws -> IndexStore, shouldStop: @escaping @Sendable () -> Bool,
    report: (CaptioningEvent) -> Void
  ) async throws -> CaptioningSummary {
    let start = ContinuousClock.now
    var summary = CaptioningSummary()
    summary.captioner = captioner.description
    guard
      let lock = try WriterLock.take(
        of: index, shouldStop: shouldStop, whenHeld: { report(.waiting($0)) })
    else {
      summary.interrupted = true
      return summary
    }
    defer { withExtendedLifetime(lock) {} }
    let store = try await open()
    if let warning = store.warning { report(.warning(warning)) }
    let jobs = try plan(store, &summary)
    report(.planned(pictures: summary.pictures, toCaption: jobs.count))

    let isWhole = try await orderedConcurrentMap(
      jobs, perTask: PictureCaptioner.picturesPerTask, shouldStop: shouldStop,
      work: { [self] in try outcomes(of: $0, in: store) }
    ) { outcomes in
      let captioned = try write(outcomes, to: store)
      summary.captioned += captioned
      summary.skipped += outcomes.count - captioned
      for case .skipped(let error) in outcomes { report(.skipped(error.description)) }
      report(.captioned(summary.captioned + summary.skipped))
    }
    summary.interrupted = try !isWhole || !store.updateVectorIndex(shouldStop: shouldStop)
    summary.seconds = (ContinuousClock.now - start) / .seconds(1)
    return summary
  }

  private func plan(_ store: IndexStore, _ summary: inout CaptioningSummary) throws -> [Job] {
    let source = TextSource.synthetic(by: captioner.description)
    return try store.read { snapshot in
      var captioned: Set<UInt64> = []
      try snapshot.forEachText { _, text in
        if let picture = text.picture, text.source == source { captioned.insert(picture) }
      }
      var jobs: [Job] = []
      try snapshot.forEachPicture { id, record in
        if let root, CollectionRoots.parts(of: record.path).root != root { return }
        summary.pictures += 1
        if captioned.contains(id) {
          summary.unchanged += 1
        } else {
          jobs.append(Job(id: id, path: record.path, contentHash: record.contentHash))
        }
      }
      return jobs
    }
  }

  private func outcomes(
    of jobs: [Job], in store: IndexStore
  ) throws -> [Outcome] {
    var skipped: [Outcome] = []
    var pictures: [(id: UInt64, features: Matrix, key: UInt64)] = []
    for job in jobs {
      if let features = try storedFeatures(of: job, in: store) {
        pictures.append(
          (job.id, features, PictureCaptioner.key(ofContent: job.contentHash)))
        continue
      }
      let read: (picture: Picture, key: UInt64)
      do throws(RetrievalError) {
        let location = metadata.roots.location(of: job.path)
        read = try captioner.read(.file(location), hash: job.contentHash)
      } catch {
        skipped.append(.skipped(error))
        continue
      }
      pictures.append((job.id, try captioner.features(of: read.picture), read.key))
    }
    let texts = try captioner.captions(pictures.map { ($0.features, $0.key) })
    let embeddings = try encoder.embed(texts: texts.map { encoder.tokens(of: $0) })
    return skipped
      + zip(pictures, zip(texts, embeddings)).map {
        .captioned(id: $0.id, text: $1.0, embedding: $1.1)
      }
  }

  /// What the index holds of a picture, if the model that captions is the one that made it.
  private func storedFeatures(of job: Job, in store: IndexStore) throws -> Matrix? {
    guard captioner.model.folder.fingerprint == metadata.model.fingerprint else { return nil }
    return try store.read { try $0.features(picture: job.id) }
  }

  /// Commits captions; returns how many there were.
  private func write(_ outcomes: [Outcome], to store: IndexStore) throws -> Int {
    let source = TextSource.synthetic(by: captioner.description)
    return try store.write { change in
      var count = 0
      for case .captioned(let id, let text, let embedding) in outcomes {
        try change.setSyntheticText(
          TextRecord(text: text, picture: id, source: source), embedding: embedding)
        count += 1
      }
      return count
    }
  }
}
