import Checkpoints
import Files
import FoundationEssentials

/// A file of captions that grows line by line, `{"image", "caption", "source", "captioner"}`, and is
/// read as captions by whoever takes JSONL. An interrupted run continues after the last complete line.
final class CaptionLog {
  /// The names that it has captions for.
  let names: Set<String>
  private let captioner: String
  private let log: JSONLinesLog

  private struct Line: Decodable {
    let image: String
    let captioner: String
  }

  /// Opens the file, or makes it. One that another captioner wrote, or nothing of the kind, is an
  /// error.
  init(_ path: String, captioner: String) throws(PathError) {
    var names: Set<String> = []
    log = try JSONLinesLog(path, writer: "blip caption") { line, number throws(PathError) in
      guard let line = try? JSONDecoder().decode(Line.self, from: line) else { return false }
      guard line.captioner == captioner else {
        throw PathError(
          "\(path), line \(number)",
          "captioned by \(printable(Array(line.captioner.utf8))), not by \(captioner); name another "
            + "file")
      }
      names.insert(line.image)
      return true
    }
    (self.names, self.captioner) = (names, captioner)
  }

  /// Adds a line.
  func append(image: String, caption: String) throws(PathError) {
    try log.append(
      "{\"image\": \(jsonString(image)), \"caption\": \(jsonString(caption)), "
        + "\"source\": \"synthetic\", \"captioner\": \(jsonString(captioner))}")
  }
}
