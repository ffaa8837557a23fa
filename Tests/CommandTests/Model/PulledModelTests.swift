import FakeHub
import Glibc
import TestSupport
import Testing

@Suite("Models of the hub")
struct PulledModelTests {
  /// A line of `blip model list --json`.
  private struct Line: Decodable {
    let name: String
    let path: String
    let bytes: Int
    let complete: Bool
  }

  /// The default model, as a repository.
  private static let files = Dictionary(
    uniqueKeysWithValues: [
      "config.json", "preprocessor_config.json", "vocab.txt", "model.safetensors",
    ].map { ($0, readBytes("\(Checkout.defaultModel)/\($0)")) })

  private let home = TemporaryFolder()

  private func environment(_ hub: FakeHub) -> [String: String] {
    ["HF_ENDPOINT": hub.endpoint, "HF_HOME": home.path]
  }

  @Test("A pulled model is listed, used by its name, and removed")
  func life() async throws {
    let hub = try await FakeHub("some/mini", files: Self.files)
    let environment = environment(hub)
    let collection = Collection(pictures: 2)
    let arguments = ["index", collection.pictures, "--index", collection.index]
    expectFailure(
      BlipProcess(arguments + ["--model", "some/mini"], environment: environment).outcome(),
      mentions: "some/mini", "blip model pull some/mini", home.path)

    let pulled = blip("model", "pull", "some/mini", environment: environment)
    #expect(pulled.status == 0, "\(pulled.errors)")
    #expect(pulled.output.contains("blip index PICTURES --model some/mini"))
    let again = blip("model", "pull", "some/mini", environment: environment)
    #expect(again.status == 0 && again.output.contains("nothing; already in the cache"))
    let models = try blip("model", "list", "--json", environment: environment).objects(Line.self)
    #expect(models.map(\.name) == ["default", "some/mini"] && models[1].complete)
    #expect(models[1].bytes == Self.files.values.reduce(0) { $0 + $1.count })

    let indexed = BlipProcess(
      arguments + ["--model", "some/mini"], environment: environment
    ).outcome()
    #expect(indexed.status == 0, "\(indexed.errors)")
    let info = try collection.info()
    #expect(info.model.name == "some/mini" && info.model.path == models[1].path)

    let removed = blip("model", "remove", "some/mini", environment: environment)
    #expect(removed.status == 0 && removed.output.hasPrefix("removed some/mini, "))
    expectFailure(
      blip("model", "remove", "some/mini", environment: environment), mentions: "some/mini")
  }

  @Test("An interrupted pull goes on from where it was")
  func interrupted() async throws {
    let hub = try await FakeHub("some/mini", files: Self.files)
    let half = 20_000_000
    hub.change { request, reply in
      if request.path.hasPrefix("/model.safetensors") { reply.end = .stall(after: half) }
    }
    let process = BlipProcess(["model", "pull", "some/mini"], environment: environment(hub))
    let name = FakeHub.sha256(Self.files["model.safetensors"]!)
    let unfinished = "\(home.path)/hub/models--some--mini/blobs/\(name).incomplete"
    var facts = stat()
    while stat(unfinished, &facts) != 0 || facts.st_size < half, !process.hasEnded {
      try await Task.sleep(for: .milliseconds(20))
    }
    kill(process.id, SIGTERM)
    #expect(process.outcome().status == 128 + SIGTERM)

    hub.change { _, _ in }
    let rest = blip("model", "pull", "some/mini", "--json", environment: environment(hub))
    #expect(rest.status == 0 && rest.errors.contains("from an earlier run"), "\(rest.errors)")
    // One that is slow to be killed has asked for more itself: nothing is ever fetched twice.
    let ranges = hub.store.requests.map { $0["Range"] }
    #expect(ranges.count > 1)
    #expect(ranges == ranges.indices.map { $0 == 0 ? nil : "bytes=\(half * $0)-" })
  }

  @Test("What is no OWNER/NAME is wrong usage", arguments: ["pull", "remove"])
  func usage(verb: String) {
    for name in ["../x", "mini", "a/b/c", ""] {
      #expect(blip("model", verb, name).status == 64)
    }
    #expect(blip("model", "remove", "a/b@main2").status == 64)
  }
}
