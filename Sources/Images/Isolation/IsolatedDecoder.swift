internal import Synchronization

/// Decodes as ``ImageDecoder``, the formats of large codecs in processes of their own, so that a file
/// that crashes a codec, or keeps it busy for ever, costs itself and nothing else.
///
/// JPEG and PNG, most of any collection, are decoded here: their libraries are old, small and fuzzed
/// for years, and a picture would cross a socket for nothing. A process is kept for the next picture,
/// as many as there are threads that decode at once; it has 4 GiB of address space.
public final class IsolatedDecoder: PictureDecoder {
  private static let trusted: Set<ImageFormat> = [.jpeg, .png]

  private let decoder = ImageDecoder()
  private let command: [String]
  private let timeLimit: Duration
  private let idle = Mutex<[DecodingProcess]>([])

  /// As ``ImageDecoder``'s.
  public var maximumBytes: Int { decoder.maximumBytes }

  /// `command` starts a program that calls ``serveDecoding(on:)`` with its standard input;
  /// `timeLimit`: what a picture may take.
  public init(command: [String], timeLimit: Duration = .seconds(60)) {
    self.command = command
    self.timeLimit = timeLimit
  }

  /// As ``ImageDecoder``; a process that cannot be started is thrown as ``MachineError``.
  public func decode(_ bytes: [UInt8], forSide side: Int?) throws -> (
    picture: Picture, facts: ImageFacts
  ) {
    guard bytes.count <= maximumBytes, let format = ImageFormat(magicOf: bytes),
      !Self.trusted.contains(format)
    else { return try decoder.decode(bytes, forSide: side) }
    let process =
      try idle.withLock { $0.popLast() } ?? DecodingProcess(command: command)
    let answer: DecodingAnswer
    do {
      answer = try process.ask(
        DecodingRequest(side: side, bytes: bytes), limit: decoder.maximumPixels, within: timeLimit)
    } catch .late {
      throw ImageError.tooSlow(format, timeLimit)
    } catch .ended(let how) {
      throw ImageError.decoderEnded(format, how)
    }
    idle.withLock { $0.append(process) }
    switch answer {
    case .picture(let picture, let facts): return (picture, facts)
    case .failure(let text): throw ImageError.refused(text)
    }
  }
}
