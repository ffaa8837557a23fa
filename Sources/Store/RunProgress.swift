internal import Files
internal import Glibc

/// How far a run that indexes has come.
public struct RunProgress: Sendable, Equatable {
  /// Pictures that were encoded.
  public let done: Int
  /// Pictures to encode.
  public let total: Int

  /// The file in the folder of an index that a run keeps up to date for those who watch it.
  static let fileName = "progress"

  /// Progress by its parts.
  package init(done: Int, total: Int) { (self.done, self.total) = (done, total) }

  /// Writes it into the folder of an index. What cannot be written is only not shown.
  package func write(index: String) {
    // Replaced at once, so that no reader sees half of it; not flushed, as it means nothing after a crash.
    let (path, temporary) = ("\(index)/\(Self.fileName)", "\(index)/\(Self.fileName).tmp")
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { return }
    let isWritten = (try? FileSystem.write(Array("\(done) \(total)\n".utf8), to: file)) != nil
    close(file)
    if !isWritten || rename(temporary, path) != 0 { unlink(temporary) }
  }

  /// Removes the file at the end of a run.
  package static func remove(index: String) { unlink("\(index)/\(fileName)") }

  /// How far the run has come that writes an index now; nil where none does.
  package init?(index: String) {
    guard let read = try? FileSystem.read(Array("\(index)/\(Self.fileName)".utf8), limit: 64),
      WriterLock.isHeld(of: index)
    else { return nil }
    let numbers = String(decoding: read.bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
      .map { Int($0) }
    guard numbers.count == 2, let done = numbers[0], let total = numbers[1], 0...total ~= done
    else { return nil }
    self.init(done: done, total: total)
  }
}
