import FakeHub
import FoundationEssentials
import Glibc
import Hub
import Synchronization
import TestSupport

/// A repository, a hub that has it, and an empty cache.
struct Workshop {
  static let repository = "some/blip"
  static let commit = FakeHub.commit

  /// A BLIP's files; the weights are any bytes.
  static let files: [String: [UInt8]] = [
    "config.json": Array(#"{"model_type": "blip"}"#.utf8),
    "preprocessor_config.json": Array("{}".utf8),
    "vocab.txt": Array("[PAD]\n[UNK]\n".utf8),
    "model.safetensors": noise(300_000),
    "README.md": Array("# A model\n".utf8),
  ]

  let hub: FakeHub
  let cache: HubCache
  let folder = TemporaryFolder()
  private let told = Told()

  init(_ files: [String: [UInt8]] = Self.files, listed: [String]? = nil) async throws {
    hub = try await FakeHub(Self.repository, files: files, listed: listed)
    cache = HubCache(path: folder.path + "/hub")
  }

  /// The folder of the repository in the cache.
  var place: String { "\(cache.path)/models--some--blip" }
  var snapshot: String { "\(place)/snapshots/\(Self.commit)" }
  var weights: [UInt8] { Self.files["model.safetensors"]! }
  var unfinished: String { "\(place)/blobs/\(FakeHub.sha256(weights)).incomplete" }

  /// What was reported so far, and for how many seconds each wait would have been.
  var events: [PullEvent] { told.events.withLock { $0 } }
  var waits: [Int] { told.waits.withLock { $0 } }

  /// Requests for a file's bytes.
  func gets(_ name: String) -> [Request] {
    (hub.hub.requests + hub.store.requests).filter {
      $0.method == "GET" && $0.path.contains("/\(name)") && !$0.path.contains("/resolve/")
    }
  }

  /// Pulls from the hub; waits take no time.
  @discardableResult
  func pull(
    _ reference: String = Self.repository, _ environment: [String: String] = [:]
  ) async throws -> PulledModel {
    var variables = ["HF_ENDPOINT": hub.endpoint, "HF_HOME": folder.path]
    variables.merge(environment) { $1 }
    let told = told
    let pull = ModelPull(RepositoryReference(reference)!, cache: cache) { seconds in
      told.waits.withLock { $0.append(seconds) }
    }
    return try await pull.run(HubSettings { variables[$0] }) { event in
      told.events.withLock { $0.append(event) }
    }
  }

  /// The text of the error that a pull ends with.
  func failure(
    _ reference: String = Self.repository, _ environment: [String: String] = [:]
  ) async -> String {
    do {
      try await pull(reference, environment)
      return "no error"
    } catch { return "\(error)" }
  }

  private final class Told: Sendable {
    let events = Mutex<[PullEvent]>([])
    let waits = Mutex<[Int]>([])
  }
}

/// Bytes of no meaning, always the same.
func noise(_ count: Int) -> [UInt8] {
  var random = SeededGenerator(seed: UInt64(count))
  return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
}

func bytes(_ path: String) -> [UInt8] {
  Array(FileManager.default.contents(atPath: path) ?? Data())
}

func names(in folder: String) -> [String] {
  ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
}

func target(ofLink path: String) -> String? {
  try? FileManager.default.destinationOfSymbolicLink(atPath: path)
}
