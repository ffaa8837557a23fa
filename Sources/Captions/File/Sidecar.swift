internal import Files
internal import Glibc

/// A text file beside a picture: `picture.txt` for `picture.png`.
package enum Sidecar {
  /// The path of a picture's text file.
  package static func path(of picture: [UInt8]) -> [UInt8] {
    let stem = picture.lastIndex(of: .dot).map { picture[..<$0] } ?? picture[...]
    return stem + Array(".txt".utf8)
  }

  /// Whether a picture has one.
  package static func exists(beside picture: [UInt8]) -> Bool {
    (try? FileSystem.status(path(of: picture), follow: false)) != nil
  }

  /// Writes a line beside a picture, whole or not at all; false where a file was there, which stays
  /// as it is.
  package static func write(_ line: String, beside picture: [UInt8]) throws(CaptionError) -> Bool {
    let target = path(of: picture)
    let temporary = target + Array(".\(getpid()).tmp".utf8)
    do throws(FileError) {
      try FileSystem.create(temporary, holding: Array(line.utf8) + [.newline])
      defer { FileSystem.remove(temporary) }
      return try FileSystem.link(temporary, to: target)
    } catch {
      throw CaptionError("\(printable(target)): cannot be written: \(error)")
    }
  }
}
