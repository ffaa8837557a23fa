import FakeHub
import Glibc
import Hub
import TestSupport
import Testing

@Suite("Pulling a model")
struct PullTests {
  @Test("The cache is laid out as huggingface_hub does it, and holds what the hub has")
  func layout() async throws {
    let shop = try await Workshop()
    let pulled = try await shop.pull()
    let wanted = ["config.json", "model.safetensors", "preprocessor_config.json", "vocab.txt"]
    #expect(pulled.path == shop.snapshot && pulled.commit == Workshop.commit)
    #expect(pulled.files.sorted() == wanted)
    #expect(pulled.fetched == wanted.reduce(0) { $0 + Workshop.files[$1]!.count })
    #expect(names(in: shop.snapshot) == wanted)
    for name in wanted {
      let content = Workshop.files[name]!
      let etag =
        name == "model.safetensors" ? FakeHub.sha256(content) : FakeHub.gitName(content)
      #expect(target(ofLink: "\(shop.snapshot)/\(name)") == "../../blobs/\(etag)")
      #expect(bytes("\(shop.snapshot)/\(name)") == content)
    }
    #expect(bytes("\(shop.place)/refs/main") == Array(Workshop.commit.utf8))
    #expect(names(in: "\(shop.place)/blobs").count == wanted.count)
    #expect(shop.cache.snapshot(of: RepositoryReference("some/blip")!) == shop.snapshot)
  }

  @Test("What is there is not asked for again; a commit that is there asks for nothing at all")
  func again() async throws {
    let shop = try await Workshop()
    try await shop.pull()
    let before = shop.hub.hub.requests.count
    let again = try await shop.pull()
    #expect(again.path == shop.snapshot && again.fetched == 0)
    #expect(
      shop.hub.hub.requests.dropFirst(before).map(\.path) == [
        "/api/models/some/blip/revision/main"
      ])
    try await shop.pull("some/blip@\(Workshop.commit)")
    #expect(shop.hub.hub.requests.count == before + 1)
    #expect(shop.gets("model.safetensors").count == 1)
  }

  @Test("A blob that is there gets its name in a new snapshot without being fetched")
  func sharedBlob() async throws {
    let shop = try await Workshop()
    try await shop.pull()
    rename(shop.snapshot, "\(shop.place)/snapshots/\(String(repeating: "f", count: 40))")
    try await shop.pull()
    #expect(bytes("\(shop.snapshot)/model.safetensors") == shop.weights)
    #expect(shop.gets("model.safetensors").count == 1)
  }

  @Test("A revision with slashes is one component of the address and a path in the cache")
  func revision() async throws {
    let shop = try await Workshop()
    try await shop.pull("some/blip@refs/pr/1")
    #expect(shop.hub.hub.requests[0].path == "/api/models/some/blip/revision/refs%2Fpr%2F1")
    #expect(bytes("\(shop.place)/refs/refs/pr/1") == Array(Workshop.commit.utf8))
    #expect(shop.cache.snapshot(of: RepositoryReference("some/blip@refs/pr/1")!) != nil)
    #expect(shop.cache.snapshot(of: RepositoryReference("some/blip")!) == nil)
    #expect(shop.cache.models().map(\.revisions) == [["refs/pr/1"]])
  }

  @Test("Names that a repository makes up are left alone, wherever they lead")
  func hostileNames() async throws {
    let wanted = ["config.json", "preprocessor_config.json", "vocab.txt", "model.safetensors"]
    let shop = try await Workshop(
      listed: wanted + [
        "../../../../evil", "/tmp/evil", "a/../../evil", "..", "",
        "model-00001-of-00001.safetensors/x",
        "refs/main", "vocab.txt\\u0000.json", "..\\\\evil",
      ])
    try await shop.pull()
    #expect(names(in: shop.snapshot) == wanted.sorted())
    #expect(names(in: shop.folder.path) == ["hub"])
    #expect(names(in: shop.place) == ["blobs", "refs", "snapshots"])
  }

  @Test(
    "What is no hash of a file's bytes is refused before any byte is written",
    arguments: ["\"../../../evil\"", "\"5f-62a\"", "", "\"\(String(repeating: "0", count: 39))\""])
  func hostileHash(etag: String) async throws {
    let shop = try await Workshop()
    shop.hub.change { request, reply in
      if reply.headers["X-Linked-Etag"] != nil {
        reply.headers["X-Linked-Etag"] = etag
      }
    }
    #expect(await shop.failure().contains("model.safetensors: 127.0.0.1 does not say its hash"))
    #expect(names(in: shop.folder.path).isEmpty)
  }

  @Test("Sizes that no such file has are refused", arguments: ["-1", "x", "99999999999999999999"])
  func hostileSize(size: String) async throws {
    let shop = try await Workshop()
    shop.hub.change { request, reply in
      if reply.headers["X-Linked-Size"] != nil {
        reply.headers["X-Linked-Size"] = size
      }
    }
    #expect(await shop.failure().contains("does not say its size"))
    shop.hub.change { request, reply in
      if reply.headers["X-Linked-Size"] != nil {
        reply.headers["X-Linked-Size"] = "999999999999"
      }
    }
    #expect(await shop.failure().contains("999999999999 bytes, more than such a file can have"))
  }

  @Test("A file that does not fit on the disk is told before it is begun")
  func tooLarge() async throws {
    let shop = try await Workshop()
    // Within what weights may have, but 60 GiB for each of the files that make them.
    shop.hub.change { request, reply in
      if reply.headers["X-Linked-Size"] != nil {
        reply.headers["X-Linked-Size"] = "\(60 << 30)"
      }
    }
    var facts = statvfs()
    statvfs("/tmp", &facts)
    guard facts.f_bavail * UInt(facts.f_frsize) < 60 << 30 else { return }
    let failure = await shop.failure()
    #expect(failure.contains("61440 MiB") && failure.contains("are free"), "\(failure)")
    #expect(shop.gets("model.safetensors").isEmpty)
  }

  @Test("Another kind of model is refused before its weights come")
  func otherKind() async throws {
    var files = Workshop.files
    files["config.json"] = Array(#"{"model_type": "bert"}"#.utf8)
    let shop = try await Workshop(files)
    #expect(await shop.failure().contains("of the kind \"bert\", not a BLIP"))
    #expect(shop.gets("model.safetensors").isEmpty)
    #expect(shop.cache.models().isEmpty)
  }

  @Test(
    "What is missing in a repository is named",
    arguments: [
      ("config.json", "no config.json"), ("vocab.txt", "no vocab.txt and no tokenizer.json"),
      ("preprocessor_config.json", "no preprocessor_config.json and no processor_config.json"),
      ("model.safetensors", "no weights"),
    ])
  func incomplete(name: String, says: String) async throws {
    let shop = try await Workshop(Workshop.files.filter { $0.key != name })
    #expect(await shop.failure().contains("some/blip is no model that blip can use: \(says)"))
  }

  @Test("An answer that is no hub's is told")
  func noHub() async throws {
    let shop = try await Workshop()
    shop.hub.change { request, reply in reply = Reply(200, body: Array("<html>".utf8)) }
    #expect(await shop.failure().contains("does not answer as a model hub does"))
    shop.hub.change { request, reply in
      reply = Reply(200, body: [UInt8](repeating: 32, count: 17 << 20))
    }
    #expect(await shop.failure().contains("more than 16 MiB"))
  }
}
