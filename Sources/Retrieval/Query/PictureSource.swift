internal import Files
public import Images

/// A picture that is searched with, matched or captioned.
public enum PictureSource: Sendable, Hashable {
  /// The path of a picture file, which need not be UTF-8.
  case file([UInt8])
  /// The contents of a picture file; the name stands for them in errors.
  case contents([UInt8], name: String)
  /// A picture that was decoded before; the name stands for it in errors.
  case decoded(Picture, name: String)
  /// A picture of the index that is asked, by its number there.
  case indexed(UInt64)

  /// The file at a path.
  public init(_ path: String) { self = .file(Array(path.utf8)) }

  /// What it is called: the path, as far as that is text, or the name.
  public var name: String {
    switch self {
    case .file(let path): String(decoding: path, as: UTF8.self)
    case .contents(_, let name), .decoded(_, let name): name
    case .indexed(let id): "picture \(id)"
    }
  }
}

extension PictureSource: ExpressibleByStringInterpolation {
  /// The file at a path.
  public init(stringLiteral path: String) { self.init(path) }
}
