import FakeHub
import FoundationEssentials
import Glibc
import Hub
import Synchronization
import TestSupport
import Testing

@Suite("Network failures")
struct NetworkFailureTests {
  @Test("A download resumes where its connection was cut")
  func cut() async throws {
    let fixture = try await HubFixture()
    let cuts = Mutex(3)
    fixture.hub.change { request, reply in
      guard request.path.hasPrefix("/model.safetensors"), reply.body.count > 1000 else { return }
      if cuts.withLock({ left in
        left -= 1; return left >= 0
      }) {
        reply.end = .cut(after: 70_000)
      }
    }
    try await fixture.pull()
    #expect(bytes("\(fixture.snapshot)/model.safetensors") == fixture.weights)
    // How much of what was sent before the cut is received depends on timing.
    let starts = fixture.gets("model.safetensors").map { request in
      request["Range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } ?? 0
    }
    #expect(starts.count == 4 && starts == starts.sorted() && starts[3] > 0)
    #expect(fixture.waits.count == 3)
  }

  @Test("A download left by an earlier run is resumed")
  func nextRun() async throws {
    let fixture = try await HubFixture()
    try FileManager.default.createDirectory(
      atPath: "\(fixture.place)/blobs", withIntermediateDirectories: true)
    fixture.folder.write(
      "hub/models--some--blip/blobs/\(FakeHub.sha256(fixture.weights)).incomplete",
      fixture.weights[..<123_456])
    try await fixture.pull()
    #expect(fixture.gets("model.safetensors").map { $0["Range"] } == ["bytes=123456-"])
    #expect(bytes("\(fixture.snapshot)/model.safetensors") == fixture.weights)
    #expect(
      fixture.events.contains {
        if case .started(_, _, 123_456) = $0 { true } else { false }
      })
  }

  @Test("Without range support, or if the file is now shorter, the download restarts")
  func noRanges() async throws {
    for status in [200, 416] {
      let fixture = try await HubFixture()
      let isFirst = Mutex(true)
      let weights = fixture.weights
      fixture.hub.change { request, reply in
        guard request.path.hasPrefix("/model.safetensors") else { return }
        if isFirst.withLock({
          let was = $0; $0 = false; return was
        }) {
          reply.end = .cut(after: 100_000)
        } else if request["Range"] != nil {
          reply = status == 200 ? Reply(200, body: weights) : Reply(416)
        }
      }
      try await fixture.pull()
      #expect(bytes("\(fixture.snapshot)/model.safetensors") == weights)
    }
  }

  @Test("A range other than the requested one is rejected")
  func otherPart() async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { request, reply in
      guard request.path.hasPrefix("/model.safetensors") else { return }
      if request["Range"] == nil { reply.end = .cut(after: 1000) }
      if reply.status == 206 {
        reply.headers["Content-Range"] = "bytes 0-299999/300000"
      }
    }
    #expect(await fixture.failure().contains("sent a different range than requested"))
  }

  @Test("Corrupted bytes are deleted and reported, and the model does not count as cached")
  func wrongHash() async throws {
    for name in ["model.safetensors", "vocab.txt"] {
      let fixture = try await HubFixture()
      fixture.hub.change { request, reply in
        if request.path.contains(name), reply.status == 200 { reply.body[5] ^= 1 }
      }
      let failure = await fixture.failure()
      #expect(
        failure.contains("some/blip/\(name): the downloaded file has the hash"), "\(failure)")
      #expect(failure.contains("deleted"))
      #expect(!names(in: "\(fixture.place)/blobs").contains { $0.hasSuffix(".incomplete") })
      #expect(access("\(fixture.snapshot)/\(name)", F_OK) != 0)
      #expect(fixture.cache.snapshot(of: RepositoryReference("some/blip")!) == nil)
      fixture.hub.change { _, _ in }
      try await fixture.pull()
    }
  }

  @Test("More bytes than announced are rejected")
  func tooMuch() async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { request, reply in
      if request.path.hasPrefix("/model.safetensors") { reply.body += noise(1000) }
    }
    #expect(await fixture.failure().contains("sent more than the file's 300000 bytes"))
  }

  @Test(
    "A refusal is reported helpfully and not retried",
    arguments: [
      (401, "set HF_TOKEN to an access token of your account"), (403, "HF_TOKEN"),
      (404, "not found on 127.0.0.1"), (418, "HTTP status 418"),
    ])
  func refusal(status: Int, says: String) async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { _, reply in reply = Reply(status) }
    let failure = await fixture.failure()
    #expect(failure.contains("some/blip") && failure.contains(says), "\(failure)")
    #expect(fixture.hub.hub.requests.count == 1 && fixture.waits.isEmpty)
  }

  @Test("A refusal by the storage server does not suggest a token")
  func refusingStore() async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { request, reply in
      if request.path.hasPrefix("/model.safetensors") { reply = Reply(403) }
    }
    let failure = await fixture.failure()
    #expect(failure.contains("HTTP status 403") && !failure.contains("HF_TOKEN"), "\(failure)")
  }

  @Test("A refusal despite a token mentions the licence")
  func refusedToken() async throws {
    let fixture = try await HubFixture()
    fixture.hub.change { _, reply in reply = Reply(403) }
    let failure = await fixture.failure("some/blip", ["HF_TOKEN": "hf_x"])
    #expect(failure.contains("licence") && !failure.contains("hf_x"))
  }

  @Test("A busy server is retried after the time it asks for, a limited number of times")
  func busy() async throws {
    let fixture = try await HubFixture()
    let left = Mutex(2)
    fixture.hub.change { request, reply in
      guard request.path.hasPrefix("/model.safetensors") else { return }
      if left.withLock({
        $0 -= 1; return $0 >= 0
      }) {
        reply = Reply(429, headers: ["Retry-After": "7"])
      }
    }
    try await fixture.pull()
    #expect(fixture.waits == [7, 7])

    let later = try await HubFixture()
    later.hub.change { _, reply in reply = Reply(429, headers: ["Retry-After": "3600"]) }
    #expect(await later.failure().contains("asks for a wait of 3600 seconds"))
    #expect(later.waits.isEmpty)

    let never = try await HubFixture()
    never.hub.change { _, reply in reply = Reply(503) }
    #expect(
      await never.failure().contains("is having problems (HTTP status 503), 5 times in a row"))
    #expect(never.waits == [1, 2, 4, 8])
  }

  @Test("Redirects in a loop, to nowhere and to other schemes fail")
  func redirects() async throws {
    for location in ["/model.safetensors?again", "file:///etc/passwd", "http://", ""] {
      let fixture = try await HubFixture()
      fixture.hub.change { request, reply in
        if request.path.hasPrefix("/model.safetensors") {
          reply = Reply(302, headers: ["Location": location])
        }
      }
      #expect(await fixture.failure().contains("redirects, but not to a usable address"))
    }
  }

  @Test("Two concurrent pulls fetch a blob once")
  func together() async throws {
    let fixture = try await HubFixture()
    async let one = fixture.pull()
    async let other = fixture.pull()
    let (first, second) = try await (one, other)
    #expect(first.path == second.path)
    #expect(bytes("\(fixture.snapshot)/model.safetensors") == fixture.weights)
    #expect(fixture.gets("model.safetensors").count == 1)
  }
}

@Suite("Access tokens")
struct SecretTests {
  @Test("The token is sent to the hub and to no other server")
  func token() async throws {
    let fixture = try await HubFixture()
    try await fixture.pull("some/blip", ["HF_TOKEN": " hf_secret\n"])
    #expect(!fixture.hub.hub.requests.isEmpty && !fixture.hub.store.requests.isEmpty)
    #expect(fixture.hub.hub.requests.allSatisfy { $0["Authorization"] == "Bearer hf_secret" })
    #expect(fixture.hub.store.requests.allSatisfy { $0["Authorization"] == nil })
    #expect(
      fixture.hub.store.requests.allSatisfy { !"\($0.headers)\($0.path)".contains("hf_secret") })
  }

  @Test("The token file is used if no variable is set")
  func tokenFile() async throws {
    let fixture = try await HubFixture()
    fixture.folder.write("token", Array("hf_file\n".utf8))
    try await fixture.pull()
    #expect(fixture.hub.hub.requests.allSatisfy { $0["Authorization"] == "Bearer hf_file" })
    let other = fixture.folder.write("other", Array("hf_other".utf8))
    try await fixture.pull("some/blip", ["HF_TOKEN_PATH": other])
    #expect(fixture.hub.hub.requests.last?["Authorization"] == "Bearer hf_other")
    #expect(
      await fixture.failure("some/blip", ["HF_TOKEN": "a b"]).contains("HF_TOKEN does not contain"))
    #expect(
      await fixture.failure("some/blip", ["HF_TOKEN": "a\u{1}"]).contains(
        "HF_TOKEN does not contain"))
  }
}

@Suite("Without the hub")
struct OfflineTests {
  @Test(
    "HF_HUB_OFFLINE asks nothing, and says what is there or not", arguments: ["1", "yes", "ON"])
  func variable(value: String) async throws {
    let fixture = try await HubFixture()
    let failure = await fixture.failure("some/blip", ["HF_HUB_OFFLINE": value])
    #expect(failure.contains("not in the cache") && failure.contains("HF_HUB_OFFLINE"))
    #expect(fixture.hub.hub.requests.isEmpty)
    try await fixture.pull("some/blip", ["HF_HUB_OFFLINE": "0"])
    let before = fixture.hub.hub.requests.count
    #expect(try await fixture.pull("some/blip", ["HF_HUB_OFFLINE": value]).path == fixture.snapshot)
    #expect(fixture.hub.hub.requests.count == before)
  }

  @Test("Where nobody answers, the cache does, or the error says what to do")
  func nobody() async throws {
    let fixture = try await HubFixture()
    try await fixture.pull()
    try await fixture.hub.hub.stop()
    #expect(try await fixture.pull().path == fixture.snapshot)
    #expect(fixture.events.last == .cached(reason: "cannot connect to 127.0.0.1"))
    unlink("\(fixture.snapshot)/vocab.txt")
    let failure = await fixture.failure()
    #expect(failure.contains("is this machine online?") && failure.contains(fixture.cache.path))
  }
}
