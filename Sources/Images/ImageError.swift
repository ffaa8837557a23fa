/// Why bytes did not become a picture. The text says what is wrong and what to do; the caller, who
/// knows the file, puts its name in front.
public enum ImageError: Error, Equatable, CustomStringConvertible {
  /// Empty, or in no format that is read.
  case notAPicture
  /// The file ends before the picture does.
  case truncated(ImageFormat)
  /// The data are damaged or of a kind that is not read; the codec's own words say how.
  case corrupt(ImageFormat, String)
  /// The header announces more pixels than `limit`. Nothing was decoded.
  case tooLarge(width: Int, height: Int, limit: Int)
  /// The codec took longer than a picture may take, and was ended.
  case tooSlow(ImageFormat, Duration)
  /// The process that decoded it is no more; how it ended.
  case decoderEnded(ImageFormat, String)
  /// What a process of its own said of the file.
  case refused(String)
  /// The file is longer than `limit` bytes. Nothing was decoded.
  case tooManyBytes(Int, limit: Int)

  /// One line for people: what is wrong, then what to do.
  public var description: String {
    switch self {
    case .notAPicture:
      "not a picture (read are \(ImageFormat.allCases.map(\.displayName).joined(separator: ", ")))"
    case .truncated(let format):
      "the \(format.displayName) file ends early; copy it again from its source"
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

extension ImageFormat {
  fileprivate var displayName: String {
    switch self {
    case .jpeg, .png, .tiff, .gif, .avif: rawValue.uppercased()
    case .webp: "WebP"
    case .heif: "HEIC"
    }
  }
}
