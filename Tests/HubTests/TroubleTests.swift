import FakeHub
import FoundationEssentials
import Glibc
import Hub
import Synchronization
import TestSupport
import Testing

@Suite("Networks as they are")
struct TroubleTests {
  @Test("A cut connection goes on where it was cut")
  func cut() async throws {
    let shop = try await Workshop()
    let cuts = Mutex(3)
    shop.hub.change { request, reply in
      guard request.path.hasPrefix("/model.safetensors"), reply.body.count > 1000 else { return }
      if cuts.withLock({ left in
        left -= 1; return left >= 0
      }) {
        reply.end = .cut(after: 70_000)
      }
    }
    try await shop.pull()
    #expect(bytes("\(shop.snapshot)/model.safetensors") == shop.weights)
    // How much of what was sent before a cut is received depends on who is quicker.
    let starts = shop.gets("model.safetensors").map { request in
      request["Range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
    }
    #expect(starts.count == 4 && starts == starts.sorted() && starts[3] > 0)
    #expect(shop.waits.count == 3)
  }

  @Test("What an earlier run left is gone on with")
  func nextRun() async throws {
    let shop = try await Workshop()
    try FileManager.default.createDirectory(
      atPath: "\(shop.place)/blobs", withIntermediateDirectories: true)
    shop.folder.write(
      "hub/models--some--blip/blobs/\(FakeHub.sha256(shop.weights)).incomplete",
      shop.weights[..<123_456])
    try await shop.pull()
    #expect(shop.gets("model.safetensors").map { $0["Range"] } == ["bytes=123456-"])
    #expect(bytes("\(shop.snapshot)/model.safetensors") == shop.weights)
    #expect(
      shop.events.contains {
        if case .started(_, _, 123_456) = $0 { true } else { false }
      })
  }

  @Test("A server without ranges begins anew, and so does one that has less than is here")
  func noRanges() async throws {
    for status in [200, 416] {
      let shop = try await Workshop()
      let isFirst = Mutex(true)
      let weights = shop.weights
      shop.hub.change { request, reply in
        guard request.path.hasPrefix("/model.safetensors") else { return }
        if isFirst.withLock({
          let was = $0; $0 = false; return was
        }) {
          reply.end = .cut(after: 100_000)
        } else if request["Range"] != nil {
          reply = status == 200 ? Reply(200, body: weights) : Reply(416)
        }
      }
      try await shop.pull()
      #expect(bytes("\(shop.snapshot)/model.safetensors") == weights)
    }
  }

  @Test("A server that sends another part than it was asked for is not believed")
  func otherPart() async throws {
    let shop = try await Workshop()
    shop.hub.change { request, reply in
      guard request.path.hasPrefix("/model.safetensors") else { return }
      if request["Range"] == nil { reply.end = .cut(after: 1000) }
      if reply.status == 206 {
        reply.headers["Content-Range"] = "bytes 0-299999/300000"
      }
    }
    #expect(await shop.failure().contains("sends another part than it was asked for"))
  }

  @Test("Changed bytes are deleted and told, and the model does not count as there")
  func wrongHash() async throws {
    for name in ["model.safetensors", "vocab.txt"] {
      let shop = try await Workshop()
      shop.hub.change { request, reply in
        if request.path.contains(name), reply.status == 200 { reply.body[5] ^= 1 }
      }
      let failure = await shop.failure()
      #expect(failure.contains("some/blip/\(name): what came has the hash"), "\(failure)")
      #expect(failure.contains("deleted"))
      #expect(!names(in: "\(shop.place)/blobs").contains { $0.hasSuffix(".incomplete") })
      #expect(access("\(shop.snapshot)/\(name)", F_OK) != 0)
      #expect(shop.cache.snapshot(of: RepositoryReference("some/blip")!) == nil)
      shop.hub.change { _, _ in }
      try await shop.pull()
    }
  }

  @Test("More bytes than the hub has are refused")
  func tooMuch() async throws {
    let shop = try await Workshop()
    shop.hub.change { request, reply in
      if request.path.hasPrefix("/model.safetensors") { reply.body += noise(1000) }
    }
    #expect(await shop.failure().contains("sends more than the 300000 bytes"))
  }

  @Test(
    "A server's refusal is said in words that help, once",
    arguments: [
      (401, "put an access token of your account into HF_TOKEN"), (403, "HF_TOKEN"),
      (404, "has no such thing"), (418, "answers 418"),
    ])
  func refusal(status: Int, says: String) async throws {
    let shop = try await Workshop()
    shop.hub.change { _, reply in reply = Reply(status) }
    let failure = await shop.failure()
    #expect(failure.contains("some/blip") && failure.contains(says), "\(failure)")
    #expect(shop.hub.hub.requests.count == 1 && shop.waits.isEmpty)
  }

  @Test("With a token, a refusal speaks of the licence")
  func refusedToken() async throws {
    let shop = try await Workshop()
    shop.hub.change { _, reply in reply = Reply(403) }
    let failure = await shop.failure("some/blip", ["HF_TOKEN": "hf_x"])
    #expect(failure.contains("licence") && !failure.contains("hf_x"))
  }

  @Test("A busy server is asked again after as long as it says, and a limit of times")
  func busy() async throws {
    let shop = try await Workshop()
    let left = Mutex(2)
    shop.hub.change { request, reply in
      guard request.path.hasPrefix("/model.safetensors") else { return }
      if left.withLock({
        $0 -= 1; return $0 >= 0
      }) {
        reply = Reply(429, headers: ["Retry-After": "7"])
      }
    }
    try await shop.pull()
    #expect(shop.waits == [7, 7])

    let later = try await Workshop()
    later.hub.change { _, reply in reply = Reply(429, headers: ["Retry-After": "3600"]) }
    #expect(await later.failure().contains("asks to wait 3600 seconds"))
    #expect(later.waits.isEmpty)

    let never = try await Workshop()
    never.hub.change { _, reply in reply = Reply(503) }
    #expect(await never.failure().contains("has trouble (503), 5 times in a row"))
    #expect(never.waits == [1, 2, 4, 8])
  }

  @Test("Redirects in a circle, to nowhere and out of HTTP end")
  func astray() async throws {
    for location in ["/model.safetensors?again", "file:///etc/passwd", "http://", ""] {
      let shop = try await Workshop()
      shop.hub.change { request, reply in
        if request.path.hasPrefix("/model.safetensors") {
          reply = Reply(302, headers: ["Location": location])
        }
      }
      #expect(await shop.failure().contains("from one address to another, but to no file"))
    }
  }

  @Test("Two pulls at once write one blob")
  func together() async throws {
    let shop = try await Workshop()
    async let one = shop.pull()
    async let other = shop.pull()
    let (first, second) = try await (one, other)
    #expect(first.path == second.path)
    #expect(bytes("\(shop.snapshot)/model.safetensors") == shop.weights)
    #expect(shop.gets("model.safetensors").count == 1)
  }
}

@Suite("Who may know what")
struct SecretTests {
  @Test("The token goes to the hub, and to no other server")
  func token() async throws {
    let shop = try await Workshop()
    try await shop.pull("some/blip", ["HF_TOKEN": " hf_secret\n"])
    #expect(!shop.hub.hub.requests.isEmpty && !shop.hub.store.requests.isEmpty)
    #expect(shop.hub.hub.requests.allSatisfy { $0["Authorization"] == "Bearer hf_secret" })
    #expect(shop.hub.store.requests.allSatisfy { $0["Authorization"] == nil })
    #expect(
      shop.hub.store.requests.allSatisfy { !"\($0.headers)\($0.path)".contains("hf_secret") })
  }

  @Test("The token file counts where no variable does")
  func tokenFile() async throws {
    let shop = try await Workshop()
    shop.folder.write("token", Array("hf_file\n".utf8))
    try await shop.pull()
    #expect(shop.hub.hub.requests.allSatisfy { $0["Authorization"] == "Bearer hf_file" })
    let other = shop.folder.write("other", Array("hf_other".utf8))
    try await shop.pull("some/blip", ["HF_TOKEN_PATH": other])
    #expect(shop.hub.hub.requests.last?["Authorization"] == "Bearer hf_other")
    #expect(await shop.failure("some/blip", ["HF_TOKEN": "a b"]).contains("HF_TOKEN holds no"))
    #expect(await shop.failure("some/blip", ["HF_TOKEN": "a\u{1}"]).contains("HF_TOKEN holds no"))
  }
}

@Suite("Without the hub")
struct OfflineTests {
  @Test(
    "HF_HUB_OFFLINE asks nothing, and says what is there or not", arguments: ["1", "yes", "ON"])
  func variable(value: String) async throws {
    let shop = try await Workshop()
    let failure = await shop.failure("some/blip", ["HF_HUB_OFFLINE": value])
    #expect(failure.contains("not in the cache") && failure.contains("HF_HUB_OFFLINE"))
    #expect(shop.hub.hub.requests.isEmpty)
    try await shop.pull("some/blip", ["HF_HUB_OFFLINE": "0"])
    let before = shop.hub.hub.requests.count
    #expect(try await shop.pull("some/blip", ["HF_HUB_OFFLINE": value]).path == shop.snapshot)
    #expect(shop.hub.hub.requests.count == before)
  }

  @Test("Where nobody answers, the cache does, or the error says what to do")
  func nobody() async throws {
    let shop = try await Workshop()
    try await shop.pull()
    try await shop.hub.hub.stop()
    #expect(try await shop.pull().path == shop.snapshot)
    #expect(shop.events.last == .cached(reason: "127.0.0.1 cannot be connected to"))
    unlink("\(shop.snapshot)/vocab.txt")
    let failure = await shop.failure()
    #expect(failure.contains("is this machine online?") && failure.contains(shop.cache.path))
  }
}
