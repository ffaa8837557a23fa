internal import HTTPTypes
internal import Hummingbird
internal import Retrieval

/// What pictures are called: texts that match, generated captions; and pictures from outside.
struct TextRoutes {
  let service: PictureService

  /// The largest upload, in bytes.
  static let mostUploaded = 64 << 20
  private static let mostTexts = 200

  func add(to router: Router<ServerContext>) {
    router.post("/api/uploads") { request, _ in try await upload(request) }
    router.get("/api/match") { request, _ in try await match(request) }
    router.get("/api/explain") { request, _ in try await explain(request) }
    router.get("/api/caption") { request, _ in
      let parameters = try QueryParameters(request, known: PictureParameter.names)
      let caption = try await service.caption(PictureParameter.source(parameters, service))
      return Response.json(.object([("caption", .string(caption))]))
    }
  }

  private func explain(_ request: Request) async throws -> Response {
    let parameters = try QueryParameters(request, known: PictureParameter.names.union(["text"]))
    guard let text = parameters.text("text") else {
      throw Problem(.badRequest, "give text, whose words are to be explained")
    }
    let picture = try PictureParameter.source(parameters, service)
    return .json(try await service.explain(picture, text: text).json)
  }

  private func upload(_ request: Request) async throws -> Response {
    _ = try QueryParameters(request, known: [])
    let contents = try await service.uploadAdmission.run {
      try await request.bytes(atMost: Self.mostUploaded, "a picture")
    }
    guard !contents.isEmpty else {
      throw Problem(.badRequest, "send the bytes of a picture file as the body")
    }
    let (token, width, height) = try await service.upload(contents)
    return .json(
      .object([
        ("upload", .string(token)), ("width", .integer(width)), ("height", .integer(height)),
      ]), status: .created)
  }

  private func match(_ request: Request) async throws -> Response {
    let parameters = try QueryParameters(
      request, known: PictureParameter.names.union(["limit"]), repeated: ["text"])
    let texts = parameters.texts("text")
    guard texts.count <= Self.mostTexts else {
      throw Problem(.badRequest, "give at most \(Self.mostTexts) texts")
    }
    let hits = try await service.match(
      PictureParameter.source(parameters, service), texts: texts,
      count: parameters.integer("limit", in: 1...Self.mostTexts) ?? 10)
    return .json(.object([("results", .array(hits.map(\.json)))]))
  }
}
