internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// The Model Context Protocol over HTTP ("Streamable HTTP"): each message is a request with its answer. The server keeps
/// no session and sends nothing of its own accord.
struct AssistantRoutes {
  let assistant: AssistantServer

  private static let mostBytes = 1 << 20

  func add(to router: Router<ServerContext>) {
    router.post("/mcp") { request, _ in try await answer(request) }
    router.get("/mcp") { _, _ -> Response in
      throw Problem(
        .methodNotAllowed, "send messages with POST; this server has no stream of its own")
    }
  }

  private func answer(_ request: Request) async throws -> Response {
    let body: ByteBuffer
    do { body = try await request.body.collect(upTo: Self.mostBytes) } catch is NIOTooManyBytesError
    {
      throw Problem(.contentTooLarge, "a message may have \(Self.mostBytes >> 20) MiB at most")
    }
    guard let answer = await assistant.answer(to: Array(body.readableBytesView)) else {
      return Response(status: .accepted)
    }
    return .text(answer, type: "application/json")
  }
}
