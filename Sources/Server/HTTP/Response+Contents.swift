internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Retrieval

extension Response {
  /// A JSON value.
  static func json(_ value: JSONOutput, status: HTTPResponse.Status = .ok) -> Response {
    text(value.text, type: "application/json", status: status)
  }

  /// Text of a media type, which nobody keeps.
  static func text(
    _ text: String, type: String, status: HTTPResponse.Status = .ok
  ) -> Response {
    var buffer = ByteBuffer()
    buffer.writeString(text)
    return Response(
      status: status, headers: [.contentType: type, .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: buffer))
  }

  /// Contents that a browser keeps, and asks for again by their tag.
  /// - Parameter request: Where it has the tag, the answer is that the contents are as they were.
  static func tagged(
    _ contents: [UInt8], type: String, tag: String, for request: Request
  ) -> Response {
    let tag = "\"\(tag)\""
    let headers: HTTPFields = [
      .contentType: type, .eTag: tag, .cacheControl: "private, no-cache",
    ]
    if request.headers[.ifNoneMatch] == tag {
      return Response(status: .notModified, headers: headers)
    }
    return Response(
      status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: contents)))
  }
}

/// Something to write as Server-Sent Events.
struct ServerSentEvent {
  let name: String
  let value: JSONOutput

  /// JSON has no line break, so that the data are one line.
  var buffer: ByteBuffer { ByteBuffer(string: "event: \(name)\ndata: \(value.text)\n\n") }
}
