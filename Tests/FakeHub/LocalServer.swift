import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A request that a server got.
public struct Request: Sendable {
  /// GET or HEAD.
  public let method: String
  /// The path, with what follows a question mark.
  public let path: String
  /// Its headers, their names in small letters.
  public let headers: [String: String]

  /// A header.
  public subscript(_ name: String) -> String? { headers[name.lowercased()] }
}

/// What a server answers.
public struct Reply: Sendable {
  /// What happens behind so many bytes of the body.
  public enum End: Sendable {
    /// The connection is closed.
    case cut(after: Int)
    /// Nothing more comes.
    case stall(after: Int)
  }

  /// 200 and on.
  public var status: Int
  /// Its headers; `Content-Length` is the body's, unless it is given.
  public var headers: [String: String]
  /// All of the body, also where the request only asks for the head.
  public var body: [UInt8]
  /// How it goes wrong, where it does.
  public var end: End?

  /// A reply.
  public init(_ status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// An HTTP server on a port of its own, on this machine only. It remembers what it was asked.
public final class LocalServer: Sendable {
  private let channel: any Channel
  private let log: RequestLog

  /// Starts it; `answer` is called for one request after the other of a connection.
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

  /// What it was asked so far.
  public var requests: [Request] { log.all }

  /// `http://127.0.0.1:PORT`.
  public var address: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

  /// From here on nobody is there.
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
    // What was sent before a cut has to leave before the connection ends.
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
