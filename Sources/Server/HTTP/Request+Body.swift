internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOHTTP1

extension Request {
  /// The whole body.
  /// - Parameters:
  ///   - limit: The most bytes that it may have.
  ///   - what: What the body is, for errors: "a picture".
  func bytes(atMost limit: Int, _ what: String) async throws -> [UInt8] {
    let tooLarge = Problem(.contentTooLarge, "\(what) may have \(limit) bytes at most")
    if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
    do {
      return Array(try await body.collect(upTo: limit).readableBytesView)
    } catch is NIOTooManyBytesError {
      throw tooLarge
    } catch let error as HTTPParserError {
      // The framework answers what is not HTTP, and closes the connection.
      throw error
    } catch {
      throw Problem(.badRequest, "the body ended before all of it was sent")
    }
  }
}
