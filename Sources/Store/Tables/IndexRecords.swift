/// A row of `pictures`. Paths are bytes (names need not be UTF-8), relative to the collection root.
package struct PictureRecord: Sendable, Equatable {
  /// The path's bytes, of any length.
  package var path: [UInt8]
  /// The file's size in bytes.
  package var size: UInt64
  /// When the file was modified: nanoseconds since 1970.
  package var modified: Int64
  /// SHA-256 of the file: 32 bytes.
  package var contentHash: [UInt8]
  /// Pixels a row, as stored in the file.
  package var width: Int
  /// Rows of pixels, as stored in the file.
  package var height: Int
  /// EXIF orientation, 1 to 8.
  package var orientation: Int

  /// A row of `pictures`.
  package init(
    path: [UInt8], size: UInt64, modified: Int64, contentHash: [UInt8], width: Int, height: Int,
    orientation: Int
  ) {
    self.path = path
    self.size = size
    self.modified = modified
    self.contentHash = contentHash
    self.width = width
    self.height = height
    self.orientation = orientation
  }
}

/// Where a text is from.
public enum TextSource: Sendable, Hashable {
  /// A captions file.
  case captions
  /// A file beside the picture.
  case sidecar
  /// A model: which one, and how it was asked (`PictureCaptioner.description`).
  case synthetic(by: String)

  /// Whether a model made it.
  public var isSynthetic: Bool {
    if case .synthetic = self { true } else { false }
  }
}

/// A row of `texts`.
package struct TextRecord: Sendable, Equatable {
  /// The text.
  package var text: String
  /// The picture that it is about, where known.
  package var picture: UInt64?
  /// Where it is from.
  package var source: TextSource

  /// A row of `texts`.
  package init(text: String, picture: UInt64?, source: TextSource = .captions) {
    self.text = text
    self.picture = picture
    self.source = source
  }
}

/// A row of `failures`, keyed by the hash of the path.
public struct FailureRecord: Sendable, Equatable {
  /// The path's bytes, relative to the collection root.
  public var path: [UInt8]
  /// Why the file could not be indexed.
  public var reason: String
  /// The file's size in bytes when it failed.
  public var size: UInt64
  /// When the file was modified: nanoseconds since 1970.
  public var modified: Int64
  /// When it failed: seconds since 1970.
  public var when: Int64

  /// A row of `failures`.
  package init(path: [UInt8], reason: String, size: UInt64, modified: Int64, when: Int64) {
    self.path = path
    self.reason = reason
    self.size = size
    self.modified = modified
    self.when = when
  }
}

/// The size of a table of an index.
public struct TableSize: Sendable, Equatable {
  /// The table's name.
  public let name: String
  /// Rows.
  public let entries: Int
  /// Bytes of the file that its pages take.
  public let bytes: Int
}
