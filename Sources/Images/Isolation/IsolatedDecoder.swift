internal import Synchronization

/// Decodes like ``ImageDecoder``, but the formats with large codecs in separate processes, so that
/// a file that crashes or hangs a codec affects only itself.
///
/// JPEG and PNG, the bulk of any collection, are decoded in this process: their libraries are small
/// and have been fuzzed for years, so sending pictures through a socket would gain nothing.
/// Processes are reused, as many as there are concurrent calls; each has 4 GiB of address space.
public final class IsolatedDecoder: PictureDecoder {
  private static let trusted: Set<ImageFormat> = [.jpeg, .png]

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
      !Self.trusted.contains(format)
    else { return try decoder.decode(bytes, forSide: side) }
    let process =
      try idle.withLock { $0.popLast() } ?? DecodingProcess(command: command)
    let response: DecodingResponse
    do {
      response = try process.send(
        DecodingRequest(side: side, bytes: bytes), limit: decoder.maximumPixels, within: timeLimit)
    } catch .timedOut {
      throw ImageError.tooSlow(format, timeLimit)
    } catch .ended(let how) {
      throw ImageError.decoderEnded(format, how)
    }
    idle.withLock { $0.append(process) }
    switch response {
    case .picture(let picture, let properties): return (picture, properties)
    case .failure(let text): throw ImageError.refused(text)
    }
  }
}
