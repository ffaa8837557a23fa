internal import Files

/// A picture that is searched with, matched or captioned: a file, or the contents of one.
public enum PictureSource: Sendable, Hashable {
  /// The path of a picture file, which need not be UTF-8.
  case file([UInt8])
  /// The contents of a picture file; the name stands for them in errors.
  case contents([UInt8], name: String)

  /// The file at a path.
  public init(_ path: String) { self = .file(Array(path.utf8)) }

  /// What it is called: the path, as far as that is text, or the name.
  public var name: String {
    switch self {
    case .file(let path): String(decoding: path, as: UTF8.self)
    case .contents(_, let name): name
    }
  }
}

extension PictureSource: ExpressibleByStringInterpolation {
  /// The file at a path.
  public init(stringLiteral path: String) { self.init(path) }
}
