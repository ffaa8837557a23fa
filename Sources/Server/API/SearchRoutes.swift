internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Retrieval

/// Searches, by text and by picture.
struct SearchRoutes {
  let service: PictureService

  func add(to router: Router<ServerContext>) {
    router.get("/api/search") { request, _ in try await search(request) }
    router.get("/api/similar") { request, _ in try await similar(request) }
  }

  private func search(_ request: Request) async throws -> Response {
    let parameters = try QueryParameters(
      request,
      known: SearchRequest.filterParameters.union(SearchRequest.pageParameters)
        .union(["q", "rerank", "min_match"]),
      repeated: SearchRequest.repeatedFilterParameters.union(["like", "unlike", "upload"]))
    let search = try SearchRequest(parameters) { try service.uploaded($0) }
    if request.headers[values: .accept].contains(where: { $0.contains("text/event-stream") }) {
      return try await stream(search)
    }
    return .json(try await service.search(search).json)
  }

  /// The order of the first stage as soon as it is there, then the final one.
  private func stream(_ request: SearchRequest) async throws -> Response {
    guard request.offset == 0 else {
      throw Problem(.badRequest, "later pages are not sent as events; ask for application/json")
    }
    let (first, final) = try await service.firstStage(request)
    let body = ResponseBody { writer in
      try await writer.write(ServerSentEvent(name: "results", value: first.json).buffer)
      if let final {
        do {
          try await writer.write(
            ServerSentEvent(name: "reranked", value: final().json).buffer)
        } catch {
          // The stream has begun, so that there is no other status to answer with.
          try await writer.write(
            ServerSentEvent(name: "problem", value: Problem(error).json).buffer)
        }
      }
      try await writer.write(ServerSentEvent(name: "done", value: .object([])).buffer)
      try await writer.finish(nil)
    }
    return Response(
      status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: body)
  }

  /// Pictures like one picture, which is not among them.
  private func similar(_ request: Request) async throws -> Response {
    let parameters = try QueryParameters(
      request,
      known: SearchRequest.filterParameters.union(SearchRequest.pageParameters)
        .union(PictureParameter.names), repeated: SearchRequest.repeatedFilterParameters)
    let picture = try PictureParameter.source(parameters, service)
    let search = try SearchRequest(parameters, first: picture) { try service.uploaded($0) }
    return .json(try await service.search(search).json)
  }
}
