internal import Files
public import Images
internal import Store

/// The file of an indexed picture, open for reading.
public final class OriginalFile: Sendable {
  /// Its format, by its first bytes.
  public let format: ImageFormat
  /// Its size in bytes.
  public let size: Int
  /// When it was modified: nanoseconds since 1970.
  public let modified: Int64
  /// What it is called, without its folder; printable.
  public let name: String
  private let file: OpenFile

  /// So many bytes tell the format, also of camera RAW.
  private static let beginning = 1 << 16

  /// Opens a file by its path relative to a root.
  init(_ path: [UInt8], root: [UInt8]) throws(RetrievalError) {
    name = printable(lastComponent(of: path))
    do throws(FileError) {
      file = try OpenFile(path, beneath: root)
      guard let format = ImageFormat(magicOf: try file.read(0..<Self.beginning)) else {
        throw FileError.notAFile
      }
      self.format = format
    } catch {
      throw RetrievalError(.unreadablePicture, "\(printable(path)): \(error)")
    }
    size = Int(clamping: file.status.size)
    modified = file.status.modified
  }

  /// The bytes of a range, fewer where the file ends.
  public func read(_ range: Range<Int>) throws(RetrievalError) -> [UInt8] {
    do throws(FileError) { return try file.read(range) } catch {
      throw RetrievalError(.unreadablePicture, "\(name): \(error)")
    }
  }

  /// The whole file, up to the largest that is decoded.
  func read() throws(RetrievalError) -> [UInt8] {
    guard size <= ImageDecoder().maximumBytes else {
      throw RetrievalError(.unreadablePicture, "\(name): \(size) bytes are too many")
    }
    return try read(0..<size)
  }
}
