import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A request that a server received.
public struct Request: Sendable {
  /// GET or HEAD.
  public let method: String
  /// The path with its query.
  public let path: String
  /// Its headers, with lower-case names.
  public let headers: [String: String]

  /// The value of a header.
  public subscript(_ name: String) -> String? { headers[name.lowercased()] }
}

/// A server's reply.
public struct Reply: Sendable {
  /// How a reply fails after a number of bytes of the body.
  public enum End: Sendable {
    /// The connection is closed.
    case cut(after: Int)
    /// The server sends nothing more.
    case stall(after: Int)
  }

  /// The HTTP status.
  public var status: Int
  /// Its headers; `Content-Length` defaults to the length of the body.
  public var headers: [String: String]
  /// The complete body, even for a HEAD request.
  public var body: [UInt8]
  /// How the reply fails; nil if it does not.
  public var end: End?

  /// A reply.
  public init(_ status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// An HTTP server on an unused local port, which records its requests.
public final class LocalServer: Sendable {
  private let channel: any Channel
  private let log: RequestLog

  /// Starts the server; `answer` is called for each request of a connection in turn.
  public init(answer: @escaping @Sendable (Request) -> Reply) async throws {
    let log = RequestLog()
    channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(
            Conversation { request in
              log.add(request)
              return answer(request)
            })
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    self.log = log
  }

  deinit { channel.close(promise: nil) }

  /// The requests received so far.
  public var requests: [Request] { log.all }

  /// `http://127.0.0.1:PORT`.
  public var address: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

  /// Stops listening.
  public func stop() async throws { try await channel.close().get() }
}

private final class RequestLog: Sendable {
  private let requests = Mutex<[Request]>([])

  var all: [Request] { requests.withLock { $0 } }

  func add(_ request: Request) { requests.withLock { $0.append(request) } }
}

/// A connection: requests in, replies out.
private final class Conversation: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let answer: @Sendable (Request) -> Reply

  init(answer: @escaping @Sendable (Request) -> Reply) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(let head) = unwrapInboundIn(data) else { return }
    let reply = answer(
      Request(
        method: "\(head.method)", path: head.uri,
        headers: Dictionary(head.headers.map { ($0.lowercased(), $1) }) { first, _ in first }))
    let headers = reply.headers.merging(["Content-Length": "\(reply.body.count)"]) { own, _ in own }
    let answer = HTTPResponseHead(
      version: .http1_1, status: .init(statusCode: reply.status),
      headers: HTTPHeaders(headers.map { ($0, $1) }))
    context.write(wrapOutboundOut(.head(answer)), promise: nil)
    var sent = reply.body.count
    switch reply.end {
    case .cut(let count), .stall(let count): sent = min(sent, count)
    case nil: break
    }
    let bytes = ByteBuffer(bytes: reply.body[..<(head.method == .HEAD ? 0 : sent)])
    // Data sent before a cut must be flushed before the connection is closed.
    let isSent = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: isSent)
    switch reply.end {
    case nil: context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    case .cut:
      let channel = context.channel
      isSent.futureResult.whenComplete { _ in channel.close(promise: nil) }
    case .stall: break
    }
  }
}
