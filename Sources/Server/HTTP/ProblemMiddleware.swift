internal import Hummingbird
internal import Logging

/// Answers errors with their problem details, and logs those of the server.
struct ProblemMiddleware: RouterMiddleware {
  func handle(
    _ request: Request, context: ServerContext,
    next: (Request, ServerContext) async throws -> Response
  ) async throws -> Response {
    do { return try await next(request, context) } catch is CancellationError {
      return Problem(.serviceUnavailable, "the server is stopping", retryAfter: 1).response
    } catch {
      let problem = Problem(error)
      if problem.status == .internalServerError {
        context.logger.error("\(request.method) \(request.uri.path): \(error)")
      }
      return problem.response
    }
  }
}
