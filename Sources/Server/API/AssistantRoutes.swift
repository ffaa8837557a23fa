internal import HTTPTypes
internal import Hummingbird

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
    if let revision = request.headers[HTTPField.Name("MCP-Protocol-Version")!],
      !AssistantServer.revisions.contains(revision)
    {
      throw Problem(
        .badRequest,
        "the revision '\(revision.prefix(40))' is not one of "
          + AssistantServer.revisions.joined(separator: ", "))
    }
    let message = try await request.bytes(atMost: Self.mostBytes, "a message")
    guard let answer = await assistant.answer(to: message) else {
      return Response(status: .accepted)
    }
    return .text(answer, type: "application/json")
  }
}
