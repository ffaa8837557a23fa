import Foundation
import Glibc
import TestSupport
import Testing

@Suite("blip serve", .serialized) struct ServeTests {
  private struct Results: Decodable {
    struct Hit: Decodable, Equatable {
      let id: Int
      let path: String
      let probability: Float?
      let itm: Float?
    }
    let query: String
    let results: [Hit]
    let next: String?
    let notes: [String]
  }

  private struct Statistics: Decodable {
    let pictures: Int
    let texts: Int
  }

  private func results(_ server: ServerProcess, _ path: String) async throws -> Results {
    let answer = try await server.get(path)
    #expect(answer.status == 200, "\(answer.text)")
    return try answer.decoded(Results.self)
  }

  @Test("finds what blip search finds, in its order, page by page")
  func search() async throws {
    let index = Shared.collection.index
    let server = try #require(ServerProcess("--index", index))
    let wanted = try blip("search", "blue stripes", "--index", index, "--json")
      .objects(PictureLine.self)
    let all = try await results(server, "/api/search?q=blue+stripes")
    #expect(all.results.map(\.path) == wanted.map(\.path))
    #expect(all.results.map(\.probability) == wanted.map(\.probability))
    #expect(all.next == nil)
    let first = try await results(server, "/api/search?q=blue+stripes&limit=1")
    let cursor = try #require(first.next)
    let second = try await results(server, "/api/search?q=blue+stripes&limit=1&cursor=\(cursor)")
    #expect((first.results + second.results) == Array(all.results.prefix(2)))
    let like = try await results(server, "/api/similar?picture=\(all.results[0].id)")
    #expect(!like.results.contains(all.results[0]) && !like.results.isEmpty)
    #expect(server.stop().status == 0)
  }

  @Test("sends the order of the first stage at once, and the final one after it")
  func events() async throws {
    let server = try #require(ServerProcess("--index", Shared.collection.index))
    let query = "/api/search?q=blue+stripes&rerank=4"
    let answer = try await server.get(query, ["Accept": "text/event-stream"])
    #expect(answer.headers["content-type"] == "text/event-stream")
    let events = answer.text.split(separator: "\n\n").map { $0.split(separator: "\n") }
    #expect(events.map { $0[0] } == ["event: results", "event: reranked", "event: done"])
    let lists = try events.prefix(2).map {
      try JSONDecoder().decode(Results.self, from: Data($0[1].dropFirst(6).utf8))
    }
    #expect(lists[0].results.allSatisfy { $0.itm == nil })
    #expect(try await lists[1].results == results(server, query).results)
    #expect(server.stop().status == 0)
  }

  @Test("answers what cannot be with problem details that say what is wrong")
  func problems() async throws {
    let server = try #require(ServerProcess("--index", Shared.collection.index))
    for (path, status) in [
      ("/api/search", 400), ("/api/search?q=a&folder=x", 400), ("/api/search?q=a&under=none", 400),
      ("/api/search?like=99", 404), ("/api/search?q=a&upload=none", 404), ("/api/pictures/99", 404),
      ("/api/pictures/x", 400), ("/api/pictures/99/thumbnail", 404),
      ("/api/pictures/1/thumbnail?size=5", 400), ("/api/match?picture=1&upload=2", 400),
      ("/api/none", 404), ("/mcp", 405),
    ] {
      let answer = try await server.get(path)
      #expect(answer.status == status, "\(path) \(answer.text)")
      #expect(answer.headers["content-type"] == "application/problem+json", "\(path)")
    }
    let upload = try await server.send("POST", "/api/uploads", body: Array("no picture".utf8))
    #expect(upload.status == 422)
    #expect(try await server.get("/health").status == 200)
    #expect(server.stop().status == 0)
  }

  @Test("keeps an uploaded picture for searches, and shows pictures small and as they are")
  func pictures() async throws {
    let collection = Shared.collection
    let server = try #require(ServerProcess("--index", collection.index))
    struct Upload: Decodable { let upload: String }
    let file = [UInt8](
      try #require(
        FileManager.default.contents(
          atPath: "\(collection.pictures)/\(Collection.name(1))")))
    let token = try await server.send("POST", "/api/uploads", body: file)
      .decoded(Upload.self).upload
    let found = try await results(server, "/api/search?upload=\(token)")
    #expect(
      try await results(server, "/api/similar?upload=\(token)").query == "the uploaded picture")
    #expect(found.results[0].path == Collection.name(1))
    let id = found.results[0].id
    let original = try await server.get("/api/pictures/\(id)/original")
    #expect([UInt8](original.body) == file && original.headers["content-type"] == "image/jpeg")
    let small = try await server.get("/api/pictures/\(id)/thumbnail")
    #expect(small.status == 200 && small.headers["content-type"] == "image/webp")
    struct Explanation: Decodable {
      struct Word: Decodable {
        let text: String
        let weights: [Float]
      }
      let rows: Int
      let columns: Int
      let words: [Word]
    }
    let explained = try await server.get("/api/explain?picture=\(id)&text=red+wall")
      .decoded(Explanation.self)
    #expect(explained.words.map(\.text) == ["red", "wall"])
    #expect(explained.words[0].weights.count == explained.rows * explained.columns)
    let tag = try #require(small.headers["etag"])
    #expect(
      try await server.get("/api/pictures/\(id)/thumbnail", ["If-None-Match": tag]).status == 304)
    #expect(server.stop().status == 0)
  }

  @Test("sees what is indexed meanwhile, lets the index be compacted, and takes over its successor")
  func changes() async throws {
    let collection = Collection(pictures: 2)
    collection.update()
    let server = try #require(ServerProcess("--index", collection.index))
    collection.add("new.jpg", Drawing.mosaic(3))
    #expect(collection.update().status == 0)
    func statistics() async throws -> Statistics {
      try await server.get("/api/statistics").decoded(Statistics.self)
    }
    #expect(try await statistics().pictures == 3)
    #expect(blip("compact", "--index", collection.index).status == 0)
    #expect(try await statistics().pictures == 3)
    collection.remove("new.jpg")
    #expect(collection.update().status == 0)
    #expect(try await statistics().pictures == 2)
    #expect(server.stop().status == 0)
  }

  @Test("lets nobody in without the token, where it has one")
  func token() async throws {
    let folder = TemporaryFolder()
    let file = folder.write("token", "0123456789abcdef0123\n".utf8)
    let server = try #require(
      ServerProcess("--index", Shared.collection.index, "--token-file", file))
    #expect(try await server.get("/api/statistics").status == 401)
    #expect(
      try await server.get("/api/statistics", ["Authorization": "Bearer 0123456789abcdef0123"])
        .status == 200)
    #expect(try await server.get("/health").status == 200)
    #expect(server.stop().status == 0)
  }

  @Test("speaks the protocol of assistants as blip mcp does")
  func assistants() async throws {
    let server = try #require(ServerProcess("--index", Shared.collection.index))
    let call =
      #"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "search", "arguments": {"q": "blue", "limit": 2}}}"#
    let answer = try await server.send("POST", "/mcp", body: Array(call.utf8))
    struct Message: Decodable {
      struct Result: Decodable { let structuredContent: Results }
      let result: Result
    }
    let found = try answer.decoded(Message.self).result.structuredContent
    #expect(try await found.results == results(server, "/api/search?q=blue&limit=2").results)
    let notification = #"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#
    #expect(try await server.send("POST", "/mcp", body: Array(notification.utf8)).status == 202)
    #expect(server.stop().status == 0)
  }

  @Test("listens to other machines only with a token or behind a proxy, and says where it cannot")
  func refusals() {
    let index = Shared.collection.index
    #expect(blip("serve", "--listen", ":0", "--index", index).status == 64)
    #expect(blip("serve", "--listen", "nowhere", "--index", index).status == 64)
    let missing = blip("serve", "--index", index, "--token-file", "/none")
    #expect(missing.status == 1 && missing.errors.contains("/none"))
    let none = blip("serve", "--index", "/none/index")
    #expect(none.status == 1 && none.errorLines.count == 1)
  }
}
