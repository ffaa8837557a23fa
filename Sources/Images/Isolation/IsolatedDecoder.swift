internal import Synchronization

/// Decodes like ``ImageDecoder``, but the formats with large codecs in separate processes, so that
/// a file that crashes or hangs a codec affects only itself.
///
/// JPEG and PNG without an ICC profile, the bulk of many a collection, are decoded in this process:
/// their libraries are small and have been fuzzed for years, so sending pictures through a socket
/// would gain nothing. Metadata are read in separate processes, which get no more of a JPEG or PNG
/// file.
/// Processes are reused, as many as there are concurrent calls; each has 4 GiB of address space.
public final class IsolatedDecoder: PictureDecoder {
  private static let trusted: Set<ImageFormat> = [.jpeg, .png]

  /// Reading metadata takes a millisecond.
  private static let detailsTimeLimit = Duration.seconds(10)

  private let decoder = ImageDecoder()
  private let command: [String]
  private let timeLimit: Duration
  private let idle = Mutex<[DecodingProcess]>([])

  /// The largest file, in bytes, as ``ImageDecoder/maximumBytes``.
  public var maximumBytes: Int { decoder.maximumBytes }

  /// A decoder that starts processes on demand.
  /// - Parameters:
  ///   - command: Starts a program that calls ``serveDecoding(on:)`` with its standard input.
  ///   - timeLimit: The time limit per picture.
  public init(command: [String], timeLimit: Duration = .seconds(60)) {
    self.command = command
    self.timeLimit = timeLimit
  }

  /// As ``ImageDecoder/decode(_:forSide:)``; throws ``DecodingProcessError`` if a process cannot be
  /// started.
  public func decode(_ bytes: [UInt8], forSide side: Int?) throws -> (
    picture: Picture, properties: ImageProperties
  ) {
    guard bytes.count <= maximumBytes, let format = ImageFormat(magicOf: bytes),
      !Self.trusted.contains(format) || FileBlocks.hasColourProfile(bytes, format: format)
    else { return try decoder.decode(bytes, forSide: side) }
    switch try send(DecodingRequest(kind: .picture, side: side, bytes: bytes), of: format) {
    case .picture(let picture, let properties): return (picture, properties)
    case .failure(let text): throw ImageError.refused(text)
    case .details, .text: preconditionFailure("a response of another kind was refused")
    }
  }

  /// As ``ImageDecoder/details(of:)``, for all formats in a separate process; a file whose metadata
  /// cannot be read there says nothing of itself. Throws ``DecodingProcessError`` if a process cannot
  /// be started.
  public func details(of bytes: [UInt8]) throws -> PictureDetails {
    guard bytes.count <= maximumBytes, let format = ImageFormat(magicOf: bytes),
      let blocks = MetadataBlocks.extract(from: bytes, format: format)
    else { return PictureDetails() }
    do {
      let request = DecodingRequest(kind: .details, side: nil, bytes: blocks)
      guard case .details(let details) = try send(request, of: format) else {
        return PictureDetails()
      }
      return details
    } catch is ImageError { return PictureDetails() }
  }

  /// As ``ImageDecoder/requireTextReading()``, in a separate process.
  public func requireTextReading() throws {
    let response: DecodingResponse
    do {
      response = try send(DecodingRequest(kind: .text, side: nil, bytes: []), of: .png)
    } catch let error as ImageError { throw TextReadingError.failed(error.description) }
    guard case .failure(let text) = response else { return }
    let known = [TextReadingError.noLibrary, .noLanguage].first { $0.description == text }
    throw known ?? .failed(text)
  }

  /// As ``ImageDecoder/text(in:)``, for all formats in a separate process; a picture that takes it too long
  /// or ends it shows nothing. Throws ``DecodingProcessError`` if a process cannot be started.
  public func text(in bytes: [UInt8]) throws -> String {
    guard bytes.count <= maximumBytes, let format = ImageFormat(magicOf: bytes) else { return "" }
    do {
      let request = DecodingRequest(kind: .text, side: nil, bytes: bytes)
      guard case .text(let text) = try send(request, of: format) else { return "" }
      return text
    } catch is ImageError { return "" }
  }

  private func send(_ request: DecodingRequest, of format: ImageFormat) throws -> DecodingResponse {
    let process =
      try idle.withLock { $0.popLast() } ?? DecodingProcess(command: command)
    let response: DecodingResponse
    do {
      response = try process.send(
        request, limit: decoder.maximumPixels,
        within: request.kind == .details ? min(timeLimit, Self.detailsTimeLimit) : timeLimit)
    } catch .timedOut {
      throw ImageError.tooSlow(format, timeLimit)
    } catch .ended(let how) {
      throw ImageError.decoderEnded(format, how)
    }
    idle.withLock { $0.append(process) }
    return response
  }
}
