import FakeHub
import Glibc
import Hub
import TestSupport
import Testing

@Suite("Pulling a model")
struct PullTests {
  @Test("The cache has huggingface_hub's layout and the hub's contents")
  func layout() async throws {
    let fixture = try await HubFixture()
    let pulled = try await fixture.pull()
    let wanted = ["config.json", "model.safetensors", "preprocessor_config.json", "vocab.txt"]
    #expect(pulled.path == fixture.snapshot && pulled.commit == HubFixture.commit)
    #expect(pulled.files.sorted() == wanted)
    #expect(pulled.fetched == wanted.reduce(0) { $0 + HubFixture.files[$1]!.count })
    #expect(names(in: fixture.snapshot) == wanted)
    for name in wanted {
      let content = HubFixture.files[name]!
      let etag =
        name == "model.safetensors" ? FakeHub.sha256(content) : FakeHub.gitName(content)
      #expect(target(ofLink: "\(fixture.snapshot)/\(name)") == "../../blobs/\(etag)")
      #expect(bytes("\(fixture.snapshot)/\(name)") == content)
    }
    #expect(bytes("\(fixture.place)/refs/main") == Array(HubFixture.commit.utf8))
    #expect(names(in: "\(fixture.place)/blobs").count == wanted.count)
    #expect(fixture.cache.snapshot(of: RepositoryReference("some/blip")!) == fixture.snapshot)
  }

  @Test("Cached files are not requested again; a cached commit needs no request at all")
  func again() async throws {
    let fixture = try await HubFixture()
    try await fixture.pull()
    let before = fixture.hub.hub.requests.count
    let again = try await fixture.pull()
    #expect(again.path == fixture.snapshot && again.fetched == 0)
    #expect(
      fixture.hub.hub.requests.dropFirst(before).map(\.path) == [
        "/api/models/some/blip/revision/main"
      ])
    try await fixture.pull("some/blip@\(HubFixture.commit)")
    #expect(fixture.hub.hub.requests.count == before + 1)
    #expect(fixture.gets("model.safetensors").count == 1)
  }

  @Test("A redirect that gives a file's hash and size is not followed to learn them")
  func redirectWithMetadata() async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { request, reply in
      if request.method == "HEAD", reply.status == 302 { reply.headers["Location"] = "/nowhere" }
    }
    try await fixture.pull()
    #expect(bytes("\(fixture.snapshot)/model.safetensors") == fixture.weights)
  }

  @Test("A cached blob is linked into a new snapshot without being fetched")
  func sharedBlob() async throws {
    let fixture = try await HubFixture()
    try await fixture.pull()
    rename(fixture.snapshot, "\(fixture.place)/snapshots/\(String(repeating: "f", count: 40))")
    try await fixture.pull()
    #expect(bytes("\(fixture.snapshot)/model.safetensors") == fixture.weights)
    #expect(fixture.gets("model.safetensors").count == 1)
  }

  @Test("A revision with slashes is one component of the URL and a path in the cache")
  func revision() async throws {
    let fixture = try await HubFixture()
    try await fixture.pull("some/blip@refs/pr/1")
    #expect(fixture.hub.hub.requests[0].path == "/api/models/some/blip/revision/refs%2Fpr%2F1")
    #expect(bytes("\(fixture.place)/refs/refs/pr/1") == Array(HubFixture.commit.utf8))
    #expect(fixture.cache.snapshot(of: RepositoryReference("some/blip@refs/pr/1")!) != nil)
    #expect(fixture.cache.snapshot(of: RepositoryReference("some/blip")!) == nil)
    #expect(fixture.cache.models().map(\.revisions) == [["refs/pr/1"]])
  }

  @Test("Other names listed by a repository are ignored, wherever they point")
  func hostileNames() async throws {
    let wanted = ["config.json", "preprocessor_config.json", "vocab.txt", "model.safetensors"]
    let fixture = try await HubFixture(
      listed: wanted + [
        "../../../../evil", "/tmp/evil", "a/../../evil", "..", "",
        "model-00001-of-00001.safetensors/x",
        "refs/main", "vocab.txt\\u0000.json", "..\\\\evil",
      ])
    try await fixture.pull()
    #expect(names(in: fixture.snapshot) == wanted.sorted())
    #expect(names(in: fixture.folder.path) == ["hub"])
    #expect(names(in: fixture.place) == ["blobs", "refs", "snapshots"])
  }

  @Test(
    "An invalid hash is rejected before any byte is written",
    arguments: ["\"../../../evil\"", "\"5f-62a\"", "", "\"\(String(repeating: "0", count: 39))\""])
  func hostileHash(etag: String) async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { request, reply in
      if reply.headers["X-Linked-Etag"] != nil {
        reply.headers["X-Linked-Etag"] = etag
      }
    }
    #expect(
      await fixture.failure().contains("model.safetensors: 127.0.0.1 does not give its hash"))
    #expect(names(in: fixture.folder.path).isEmpty)
  }

  @Test("Impossible sizes are rejected", arguments: ["-1", "x", "99999999999999999999"])
  func hostileSize(size: String) async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { request, reply in
      if reply.headers["X-Linked-Size"] != nil {
        reply.headers["X-Linked-Size"] = size
      }
    }
    #expect(await fixture.failure().contains("does not give its size"))
    fixture.hub.change { request, reply in
      if reply.headers["X-Linked-Size"] != nil {
        reply.headers["X-Linked-Size"] = "999999999999"
      }
    }
    #expect(await fixture.failure().contains("999999999999 bytes is too large for such a file"))
  }

  @Test("A file that does not fit on the disk is reported before it is fetched")
  func tooLarge() async throws {
    let fixture = try await HubFixture()
    // Within the limit for weights, but 60 GiB for each file.
    fixture.hub.change { request, reply in
      if reply.headers["X-Linked-Size"] != nil {
        reply.headers["X-Linked-Size"] = "\(60 << 30)"
      }
    }
    var status = statvfs()
    statvfs("/tmp", &status)
    guard status.f_bavail * UInt(status.f_frsize) < 60 << 30 else { return }
    let failure = await fixture.failure()
    #expect(failure.contains("61440 MiB") && failure.contains("are free"), "\(failure)")
    #expect(fixture.gets("model.safetensors").isEmpty)
  }

  @Test("Another kind of model is rejected before its weights are fetched")
  func otherKind() async throws {
    var files = HubFixture.files
    files["config.json"] = Array(#"{"model_type": "bert"}"#.utf8)
    let fixture = try await HubFixture(files)
    #expect(await fixture.failure().contains("some/blip is not a BLIP"))
    #expect(fixture.gets("model.safetensors").isEmpty)
    #expect(fixture.cache.models().isEmpty)
  }

  @Test(
    "Files missing from a repository are named",
    arguments: [
      ("config.json", "no config.json"), ("vocab.txt", "no vocab.txt and no tokenizer.json"),
      ("preprocessor_config.json", "no preprocessor_config.json and no processor_config.json"),
      ("model.safetensors", "no weights"),
    ])
  func incomplete(name: String, says: String) async throws {
    let fixture = try await HubFixture(HubFixture.files.filter { $0.key != name })
    #expect(
      await fixture.failure().contains("some/blip is not a model that blip can use: \(says)"))
  }

  @Test("A response that is not a hub's is reported")
  func noHub() async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { request, reply in reply = Reply(200, body: Array("<html>".utf8)) }
    #expect(await fixture.failure().contains("does not respond like a model hub"))
    fixture.hub.change { request, reply in
      reply = Reply(200, body: [UInt8](repeating: 32, count: 17 << 20))
    }
    #expect(await fixture.failure().contains("more than 16 MiB"))
  }
}
