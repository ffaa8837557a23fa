internal import CoreMetrics
internal import Files
internal import Glibc
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
public import Retrieval
internal import ServiceLifecycle
internal import Tensors
internal import UnixSignals

/// How a server runs.
public struct ServerSettings: Sendable {
  /// Where it listens.
  public var address: ListenAddress
  /// The token that every request needs; nil: none.
  public var token: AccessToken?
  /// Whether a proxy is in front of it, which checks who comes in and speaks TLS.
  public var isBehindProxy: Bool
  /// How many requests compute at the same time, and how many wait for their turn.
  public var mostComputing: Int
  /// How many requests wait for their turn; the others get 503.
  public var mostWaiting: Int
  /// The most connections; further ones wait to be accepted.
  public var mostConnections: Int

  /// The defaults, except for what is given.
  public init(
    address: ListenAddress, token: AccessToken? = nil, isBehindProxy: Bool = false,
    mostComputing: Int = 2, mostWaiting: Int = 128, mostConnections: Int = 16_000
  ) {
    (self.address, self.token, self.isBehindProxy) = (address, token, isBehindProxy)
    (self.mostComputing, self.mostWaiting) = (mostComputing, mostWaiting)
    self.mostConnections = mostConnections
  }
}

/// A page, an API and tools for assistants over HTTP, of one index.
public struct PictureServer: Sendable {
  private let service: PictureService
  private let settings: ServerSettings
  private let logger: Logger

  private static let otherFiles = 128

  /// A server of an index that is open.
  public init(_ index: PictureIndex, _ settings: ServerSettings) {
    service = PictureService(
      index: index,
      admission: Admission(running: settings.mostComputing, waiting: settings.mostWaiting) {
        // Requests that compute side by side take a core each; one alone is divided among all.
        setComputeThreads(max(1, processors / max(1, $0)))
      })
    self.settings = settings
    var logger = Logger(label: "blip") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .notice
    self.logger = logger
  }

  /// Serves until SIGTERM or SIGINT: answers in flight are finished then, new requests get 503.
  /// - Parameter started: Called with the address once requests are answered; of port 0 with the one that the system
  ///   chose.
  public func run(started: @escaping @Sendable (ListenAddress) -> Void) async throws {
    let metrics = PrometheusMetrics()
    MetricsSystem.bootstrap(metrics)
    try await service.prepare()
    let address = settings.address
    // The rest is for the index, decoding processes and the system's own use, which must not fail.
    let mostConnections = min(
      settings.mostConnections, max(16, ResourceLimits.raiseOpenFiles() - Self.otherFiles))
    let application = Application(
      router: router(metrics),
      server: .http1(
        configuration: .init(
          additionalChannelHandlers: [RequestDeadline()], idleTimeout: .seconds(30),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))),
      configuration: ApplicationConfiguration(
        address: address.bindAddress, serverName: "blip",
        availableConnectionsDelegate: .maximum(mostConnections, logger: logger)),
      services: [
        IndexRefresh(index: service.index, logger: logger),
        Closing([
          service.admission, service.thumbnailAdmission, service.uploadAdmission,
        ]),
      ],
      onServerRunning: { channel in
        guard case .host(let host, _) = address, let port = channel.localAddress?.port else {
          return started(address)
        }
        started(.host(host, port: port))
      }, logger: logger)
    do {
      try await application.runService(gracefulShutdownSignals: [.sigterm, .sigint])
    } catch let error as IOError {
      throw ServerError(address, String(cString: strerror(error.errnoCode)))
    } catch let error as SocketAddressError { throw ServerError(address, "\(error)") }
  }

  private func router(_ metrics: PrometheusMetrics) -> Router<ServerContext> {
    let router = Router(context: ServerContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: MetricsMiddleware())
    router.add(middleware: HeaderMiddleware())
    router.add(middleware: ProblemMiddleware())
    router.add(middleware: AccessMiddleware(policy: policy))
    PageRoutes(token: settings.token, isBehindProxy: settings.isBehindProxy).add(to: router)
    SearchRoutes(service: service).add(to: router)
    PictureRoutes(service: service).add(to: router)
    TextRoutes(service: service).add(to: router)
    StatisticsRoutes(service: service, metrics: metrics).add(to: router)
    AssistantRoutes(assistant: AssistantServer(service)).add(to: router)
    router.get("/health") { _, _ in Response.text("ok\n", type: "text/plain") }
    router.get("/ready") { _, _ in
      // Throws where the index cannot be read.
      _ = try await service.index.currentMetadata()
      return Response.text("ok\n", type: "text/plain")
    }
    return router
  }

  private var policy: AccessPolicy {
    var hosts: Set<String>?
    if settings.token == nil, !settings.isBehindProxy {
      hosts = ["localhost", "127.0.0.1", "[::1]"]
      if case .host(let host, _) = settings.address {
        hosts?.insert(host.contains(":") ? "[\(host)]" : host)
      }
    }
    return AccessPolicy(hosts: hosts, token: settings.token)
  }
}

/// Why a server cannot listen.
public struct ServerError: Error, CustomStringConvertible {
  /// One line that names the address.
  public let description: String

  init(_ address: ListenAddress, _ reason: String) {
    description = "cannot listen at \(address) (\(reason)); choose another address"
  }
}

extension ListenAddress {
  fileprivate var bindAddress: BindAddress {
    switch self {
    case .host(let host, let port): .hostname(host, port: port)
    case .socket(let path): .unixDomainSocket(path: path)
    }
  }
}

/// Sees, twice a second, whether another process has replaced the index, or needs it alone.
private struct IndexRefresh: Service {
  let index: PictureIndex
  let logger: Logger

  func run() async {
    await cancelWhenGracefulShutdown {
      while (try? await Task.sleep(for: .milliseconds(500))) != nil {
        do { try await index.refresh() } catch {
          logger.warning("the index cannot be read: \(error)")
        }
      }
    }
  }
}

/// Refuses new work as soon as the server is to stop.
private struct Closing: Service {
  let admissions: [Admission]

  init(_ admissions: [Admission]) { self.admissions = admissions }

  func run() async throws {
    try? await gracefulShutdown()
    for admission in admissions { admission.close() }
  }
}
