internal import Checkpoints
internal import Files
internal import FoundationEssentials
package import Store

/// A file of captions that grows line by line, `{"image", "caption", "source", "captioner"}`, and is
/// read as captions by whoever takes JSONL. An interrupted run continues after the last complete line.
package final class CaptionLog {
  /// The names that it has captions for.
  package let names: Set<String>
  private let captioner: String
  private let log: JSONLinesLog

  private struct Line: Decodable {
    let image: String
    let captioner: String
  }

  /// Opens the file, or makes it. One that another captioner wrote, or nothing of the kind, is an
  /// error.
  package init(_ path: String, captioner: String) throws(RetrievalError) {
    var names: Set<String> = []
    log = try asRetrievalError {
      try JSONLinesLog(path, writer: "blip caption") { line, number throws(PathError) in
        guard let line = try? JSONDecoder().decode(Line.self, from: line) else { return false }
        try checkCaptioner(line.captioner, is: captioner, at: "\(path), line \(number)")
        names.insert(line.image)
        return true
      }
    }
    (self.names, self.captioner) = (names, captioner)
  }

  /// Adds a line.
  package func append(image: String, caption: String) throws(RetrievalError) {
    try asRetrievalError {
      try log.append(
        "{\"image\": \(jsonString(image)), \"caption\": \(jsonString(caption)), "
          + "\"source\": \"synthetic\", \"captioner\": \(jsonString(captioner))}")
    }
  }
}

/// Throws where what lies at a place is another captioner's.
func checkCaptioner(_ found: String, is captioner: String, at place: String) throws(PathError) {
  guard found == captioner else {
    throw PathError(
      place,
      "captioned by \(printable(Array(found.utf8))), not by \(captioner); "
        + "name another file")
  }
}
