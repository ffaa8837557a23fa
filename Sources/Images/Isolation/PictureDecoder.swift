/// Decodes image files.
public protocol PictureDecoder: Sendable {
  /// The largest file, in bytes.
  var maximumBytes: Int { get }

  /// Decodes the picture in `bytes`, upright and over white; `side`: it will be resized to side ×
  /// side.
  ///
  /// Throws ``ImageError`` for a fault of the file; any other error is a fault of the machine.
  func decode(_ bytes: [UInt8], forSide side: Int?) throws -> (
    picture: Picture, properties: ImageProperties
  )

  /// What the file says of itself in EXIF, IPTC and XMP; empty if it says nothing, or if that cannot be
  /// read. An error is a fault of the machine.
  func details(of bytes: [UInt8]) throws -> PictureDetails

  /// Throws ``TextReadingError`` unless text in pictures can be read.
  func requireTextReading() throws

  /// The words that the picture in `bytes` shows, separated by spaces; empty if there are none, or if they
  /// cannot be read. An error is a fault of the machine.
  func text(in bytes: [UInt8]) throws -> String
}

extension ImageDecoder: PictureDecoder {}
