/// Why a picture could not be decoded. The description says what is wrong and what to do; the
/// caller, which knows the file, prefixes its name.
public enum ImageError: Error, Equatable, CustomStringConvertible {
  /// Empty or in an unsupported format.
  case notAPicture
  /// The file ends before the picture is complete.
  case truncated(ImageFormat)
  /// The data are damaged or use an unsupported feature; with the codec's description.
  case corrupt(ImageFormat, String)
  /// The header announces more pixels than `limit`. Nothing was decoded.
  case tooLarge(width: Int, height: Int, limit: Int)
  /// The codec exceeded the time limit per picture and was stopped.
  case tooSlow(ImageFormat, Duration)
  /// The decoding process ended; with a description of how.
  case decoderEnded(ImageFormat, String)
  /// The error reported by a decoding process.
  case refused(String)
  /// The file is longer than `limit` bytes. Nothing was decoded.
  case tooManyBytes(Int, limit: Int)

  /// One line for the user: what is wrong, then what to do.
  public var description: String {
    switch self {
    case .notAPicture:
      "not a picture (supported formats: \(ImageFormat.allCases.map(\.displayName).joined(separator: ", ")))"
    case .truncated(let format):
      "the \(format.displayName) file is truncated; copy it again from its source"
    case .corrupt(let format, let reason):
      "the \(format.displayName) data cannot be decoded: \(reason)"
    case .tooLarge(let width, let height, let limit):
      "\(width)×\(height) pixels are more than the limit of \(limit); make the picture smaller"
    case .tooSlow(let format, let limit):
      "decoding the \(format.displayName) data took longer than \(limit); convert the picture"
    case .decoderEnded(let format, let how):
      "the \(format.displayName) decoder \(how) at this file; convert the picture"
    case .refused(let text): text
    case .tooManyBytes(let count, let limit):
      "\(count) bytes are more than the limit of \(limit); make the file smaller"
    }
  }
}
