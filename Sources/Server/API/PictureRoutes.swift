internal import HTTPTypes
internal import Hummingbird
internal import Images
internal import NIOCore
internal import NIOPosix
internal import Retrieval

/// Pictures of the index: what is known of them, small, and as they are.
struct PictureRoutes {
  let service: PictureService

  func add(to router: Router<ServerContext>) {
    router.get("/api/pictures/:id") { request, context in
      _ = try QueryParameters(request, known: [])
      return Response.json(try await service.picture(id(context)).json)
    }
    router.get("/api/pictures/:id/thumbnail") { request, context in
      try await thumbnail(id(context), request)
    }
    router.get("/api/pictures/:id/original") { request, context in
      _ = try QueryParameters(request, known: [])
      return try await original(id(context))
    }
  }

  private func id(_ context: ServerContext) throws(Problem) -> UInt64 {
    guard let text = context.parameters.get("id") else { throw Problem(.notFound, "no picture") }
    return try SearchRequest.pictureID(text, "the last part of the address")
  }

  private func thumbnail(_ id: UInt64, _ request: Request) async throws -> Response {
    let parameters = try QueryParameters(request, known: ["size"])
    let size: ThumbnailSize
    switch parameters.text("size") {
    case nil, "320": size = .small
    case "1280": size = .large
    default: throw Problem(.badRequest, "size must be 320 or 1280")
    }
    let tag = try await service.index.contentDigest(of: id).prefix(32) + "-\(size.rawValue)"
    if request.headers[.ifNoneMatch] == "\"\(tag)\"" {
      return .tagged([], type: "image/webp", tag: String(tag), for: request)
    }
    return .tagged(
      try await service.thumbnail(id, size), type: "image/webp", tag: String(tag), for: request)
  }

  /// Bytes of a file that are read at once.
  private static let piece = 1 << 18

  /// The file itself. What a browser could run is never shown by it.
  private func original(_ id: UInt64) async throws -> Response {
    let file = try await service.index.originalFile(of: id)
    let disposition = file.format.isShownByBrowsers ? "inline" : "attachment"
    let body = ResponseBody(contentLength: file.size) { writer in
      for start in stride(from: 0, to: file.size, by: Self.piece) {
        let bytes = try await NIOThreadPool.singleton.runIfActive {
          try file.read(start..<min(start + Self.piece, file.size))
        }
        // Shorter than it was: the client sees that the answer is cut off.
        guard !bytes.isEmpty else { throw Problem(.internalServerError, "the file was cut off") }
        try await writer.write(ByteBuffer(bytes: bytes))
      }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok,
      headers: [
        .contentType: file.format.mediaType,
        .contentDisposition: "\(disposition); filename*=UTF-8''\(encoded(file.name))",
        .cacheControl: "private, no-cache",
      ], body: body)
  }

  /// A file name as RFC 8187 writes it.
  private func encoded(_ name: String) -> String {
    name.utf8.map { byte in
      let isPlain =
        Character(Unicode.Scalar(byte)).isASCII
        && (Character(Unicode.Scalar(byte)).isLetter || 0x30...0x39 ~= byte || byte == 0x2E
          || byte == 0x2D || byte == 0x5F)
      if isPlain { return String(Unicode.Scalar(byte)) }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (digits.count == 1 ? "0" : "") + digits
    }.joined()
  }
}

extension ImageFormat {
  /// Whether browsers show the format.
  fileprivate var isShownByBrowsers: Bool {
    switch self {
    case .jpeg, .png, .webp, .gif, .avif, .bmp: true
    case .tiff, .heif, .jpegXL, .jpeg2000, .raw: false
    }
  }

  fileprivate var mediaType: String {
    switch self {
    case .jpeg: "image/jpeg"
    case .png: "image/png"
    case .webp: "image/webp"
    case .gif: "image/gif"
    case .avif: "image/avif"
    case .bmp: "image/bmp"
    case .tiff: "image/tiff"
    case .heif: "image/heif"
    case .jpegXL: "image/jxl"
    case .jpeg2000: "image/jp2"
    case .raw: "application/octet-stream"
    }
  }
}
