internal import Checkpoints
internal import FoundationEssentials
internal import Glibc

/// A file of captions that grows line by line, `{"image", "caption", "source", "captioner"}`, and is
/// read as captions by whoever takes JSONL. A run that was stopped goes on behind the last whole line.
public final class CaptionLog {
  /// The names that it has captions for.
  public let names: Set<String>
  private let path: String
  private let captioner: String
  private let descriptor: Int32

  private struct Line: Decodable {
    let image: String
    let captioner: String
  }

  /// Largest file that is gone on with.
  private static let maximumBytes = 1 << 30

  /// Opens the file, or makes it. One that another captioner wrote, or nothing of the kind, is an
  /// error.
  public init(_ path: String, captioner: String) throws(RetrievalError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileSystem.read(Array(path.utf8), limit: Self.maximumBytes).bytes
    } catch .system(ENOENT) {
      bytes = []
    } catch { throw RetrievalError("\(path): \(error); name a file to write to") }
    var names: Set<String> = []
    let whole = bytes.lastIndex(of: .newline).map { $0 + 1 } ?? 0
    for (number, line) in bytes[..<whole].split(separator: .newline).enumerated() {
      guard let line = try? JSONDecoder().decode(Line.self, from: Data(line)) else {
        throw RetrievalError(
          "\(path), line \(number + 1): not what blip caption writes; name another file")
      }
      guard line.captioner == captioner else {
        throw RetrievalError(
          "\(path), line \(number + 1): captioned by \(printable(Array(line.captioner.utf8))), not by "
            + "\(captioner); name another file")
      }
      names.insert(line.image)
    }
    // Without a whole line it may be anything.
    guard whole > 0 || bytes.isEmpty || bytes.first == UInt8(ascii: "{") else {
      throw RetrievalError("\(path): not what blip caption writes; name another file")
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0, ftruncate(descriptor, whole) == 0,
      lseek(descriptor, whole, SEEK_SET) >= 0
    else {
      let reason = String(cString: strerror(errno))
      if descriptor >= 0 { close(descriptor) }
      throw RetrievalError("\(path): cannot be written: \(reason)")
    }
    (self.names, self.path, self.captioner, self.descriptor) = (names, path, captioner, descriptor)
  }

  deinit { close(descriptor) }

  /// Adds a line.
  public func append(image: String, caption: String) throws(RetrievalError) {
    let line =
      "{\"image\": \(jsonString(image)), \"caption\": \(jsonString(caption)), "
      + "\"source\": \"synthetic\", \"captioner\": \(jsonString(captioner))}\n"
    do throws(FileError) { try FileSystem.write(Array(line.utf8), to: descriptor) } catch {
      throw RetrievalError("\(path): cannot be written: \(error)")
    }
  }
}
