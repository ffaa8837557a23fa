import FakeHub
import FoundationEssentials
import Glibc
import Hub
import Synchronization
import TestSupport

/// A hub with one repository, and an empty cache.
struct HubFixture {
  static let repository = "some/blip"
  static let commit = FakeHub.commit

  /// The files of a BLIP model; the weights are arbitrary bytes.
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
  private let recorder = Recorder()

  init(_ files: [String: [UInt8]] = Self.files, listed: [String]? = nil) async throws {
    hub = try await FakeHub(Self.repository, files: files, listed: listed)
    cache = HubCache(path: folder.path + "/hub")
  }

  /// The repository's folder in the cache.
  var place: String { "\(cache.path)/models--some--blip" }
  var snapshot: String { "\(place)/snapshots/\(Self.commit)" }
  var weights: [UInt8] { Self.files["model.safetensors"]! }
  var unfinished: String { "\(place)/blobs/\(FakeHub.sha256(weights)).incomplete" }

  /// The events reported so far, and the length of each wait in seconds.
  var events: [PullEvent] { recorder.events.withLock { $0 } }
  var waits: [Int] { recorder.waits.withLock { $0 } }

  /// The requests for a file's contents.
  func gets(_ name: String) -> [Request] {
    (hub.hub.requests + hub.store.requests).filter {
      $0.method == "GET" && $0.path.contains("/\(name)") && !$0.path.contains("/resolve/")
    }
  }

  /// Pulls from the hub; waits are recorded but take no time.
  @discardableResult
  func pull(
    _ reference: String = Self.repository, _ environment: [String: String] = [:]
  ) async throws -> PulledModel {
    var variables = ["HF_ENDPOINT": hub.endpoint, "HF_HOME": folder.path]
    variables.merge(environment) { $1 }
    let recorder = recorder
    let pull = ModelPull(RepositoryReference(reference)!, cache: cache) { seconds in
      recorder.waits.withLock { $0.append(seconds) }
    }
    return try await pull.run(HubSettings { variables[$0] }) { event in
      recorder.events.withLock { $0.append(event) }
    }
  }

  /// The description of the error that a pull throws.
  func failure(
    _ reference: String = Self.repository, _ environment: [String: String] = [:]
  ) async -> String {
    do {
      try await pull(reference, environment)
      return "no error"
    } catch { return "\(error)" }
  }

  private final class Recorder: Sendable {
    let events = Mutex<[PullEvent]>([])
    let waits = Mutex<[Int]>([])
  }
}

/// Pseudo-random bytes, the same for each count.
func noise(_ count: Int) -> [UInt8] {
  var random = SplitMix64(seed: UInt64(count))
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
