public import Images
internal import Store

/// A picture's file as it was indexed.
public struct PictureFile: Sendable, Equatable {
  /// The format that its name announces.
  public let format: ImageFormat?
  /// The size in pixels as a viewer shows it, upright.
  public let width, height: Int
  /// The size in bytes.
  public let size: UInt64
  /// When it was modified: nanoseconds since 1970.
  public let modified: Int64

  init(_ record: PictureRecord) {
    format = ImageFormat(ofName: record.path)
    (width, height) = record.uprightSize
    size = record.size
    modified = record.modified
  }
}
