internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOHTTP1

/// Answers errors with their problem details, and logs those of the server.
struct ProblemMiddleware: RouterMiddleware {
  func handle(
    _ request: Request, context: ServerContext,
    next: (Request, ServerContext) async throws -> Response
  ) async throws -> Response {
    do { return try await next(request, context) } catch is CancellationError {
      return Problem(.serviceUnavailable, "the server is stopping", retryAfter: 1).response
    } catch let error as HTTPParserError {
      throw error
    } catch {
      var problem = Problem(error)
      // The router knows an address by its method only.
      let methods = Self.methods(of: request.uri.path)
      if problem.status == .notFound, error is HTTPError, !methods.contains(request.method) {
        problem = Problem(.methodNotAllowed, "the address does not take \(request.method)")
      }
      if problem.status == .internalServerError {
        context.logger.error("\(request.method) \(request.uri.path): \(error)")
      }
      var response = problem.response
      if problem.status == .methodNotAllowed {
        response.headers[.allow] = methods.map(\.rawValue).joined(separator: ", ")
      }
      return response
    }
  }

  /// The methods that an address takes.
  private static func methods(of path: String) -> [HTTPRequest.Method] {
    switch path {
    case "/api/uploads", "/mcp": [.post]
    case "/login": [.get, .head, .post]
    default: [.get, .head]
    }
  }
}
