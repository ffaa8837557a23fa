import BLIP
import Checkpoints
import Digests
import Files
import FoundationEssentials
import Store
import Synchronization
import TestSupport

@testable import Retrieval

/// A tiny BLIP with random weights.
let tinyModel = Result { try BLIPModel(folder: ModelFolder(path: TinyModel.retrieval.path)) }

/// A collection, its index, and the tiny model.
struct IndexFixture {
  let collection = Collection()
  let index = TemporaryFolder().path + "/index"
  let model: BLIPModel

  init() throws { model = try tinyModel.get() }

  /// A fixture with pictures `0.png`, `1.png`, …
  init(pictures: Int) throws {
    try self.init()
    for seed in 0..<pictures { add("\(seed).png", seed: seed) }
  }

  func add(_ name: String, seed: Int) { collection.write(name, TestPNG.picture(seed: seed)) }

  /// Runs the indexer; the summary without its times, and what it reported.
  @discardableResult
  func run(
    captions: String? = nil, features: FeaturePrecision? = nil, exclude: [String] = [],
    retriesFailures: Bool = false, allowsVanished: Bool = false, stopAfter questions: Int = .max,
    during: (IndexingEvent) -> Void = { _ in }
  ) async throws -> (summary: IndexingSummary, events: [IndexingEvent]) {
    let asked = Mutex(0)
    var events: [IndexingEvent] = []
    var summary = try await Indexer(model: model).run(
      request(
        IndexingOptions(captions: captions, features: features, exclude: exclude),
        retriesFailures: retriesFailures, allowsVanished: allowsVanished),
      shouldStop: {
        asked.withLock { count in
          count += 1
          return count > questions
        }
      },
      report: { event in
        events.append(event)
        during(event)
      })
    (summary.seconds, summary.pictureSeconds, summary.encoderSeconds) = (0, 0, 0)
    summary.incompleteRoots = []
    return (summary, events)
  }

  private func request(
    _ options: IndexingOptions, retriesFailures: Bool, allowsVanished: Bool
  ) -> IndexingRequest {
    var options = options
    options.retriesFailures = retriesFailures
    options.allowsVanished = allowsVanished
    return IndexingRequest(collection: collection.path, index: index, options: options)
  }

  /// What the index holds of a picture, but for ids and times.
  struct Content: Equatable {
    let hash: [UInt8]
    let embedding: [Float]
    let texts: [String]
  }

  /// All of the index by printable path.
  func contents() throws -> [String: Content] {
    try IndexStore.open(index).read { snapshot in
      var contents: [String: Content] = [:]
      try snapshot.forEachPicture { id, record in
        contents[printable(record.path)] = Content(
          hash: record.contentHash, embedding: try snapshot.embedding(picture: id) ?? [],
          texts: try snapshot.texts(of: id).map(\.text))
      }
      return contents
    }
  }

  /// Puts pictures into the index that the collection has not.
  func addGhosts(_ count: Int) throws {
    let metadata = try IndexStore.open(index).metadata
    let store = try IndexStore.openForWriting(index, metadata: metadata)
    let embedding = [1] + [Float](repeating: 0, count: metadata.sizes.embedding - 1)
    try store.write { change in
      for number in 0..<count {
        let path = Array("ghost-\(number).png".utf8)
        try change.put(
          PictureRecord(
            path: path, size: 1, modified: 1, contentHash: SHA256.digest(of: path), width: 1,
            height: 1, orientation: 1),
          embedding: embedding, features: nil)
      }
    }
  }

  func failures() throws -> [String: String] {
    try IndexStore.open(index).read { snapshot in
      var failures: [String: String] = [:]
      try snapshot.forEachFailure { failures[printable($0.path)] = $0.reason }
      return failures
    }
  }
}

/// Whether embeddings are the same but for the order of additions, which the number of threads of a
/// matrix product may change.
func isClose(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 }
}

/// A summary to compare with.
func summary(
  found: Int, added: Int = 0, changed: Int = 0, moved: Int = 0, unchanged: Int = 0,
  vanished: Int = 0, withheld: Int = 0,
  failed: Int = 0, failedBefore: Int = 0, texts: Int = 0, captionsFiles: Int = 0,
  excluded: Int = 0,
  unreadable: Int = 0
) -> IndexingSummary {
  var summary = IndexingSummary()
  if captionsFiles > 0 { summary.leftOut[.captions] = captionsFiles }
  if excluded > 0 { summary.leftOut[.excluded] = excluded }
  summary.unreadable = unreadable
  summary.found = found
  summary.added = added
  summary.changed = changed
  summary.unchanged = unchanged
  summary.moved = moved
  summary.vanished = vanished
  summary.withheld = withheld
  summary.failed = failed
  summary.failedBefore = failedBefore
  summary.texts = texts
  return summary
}
