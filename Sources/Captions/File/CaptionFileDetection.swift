internal import Files

extension CaptionFile {
  /// The bytes of a file that ``seemsToBe(start:)`` looks at.
  package static let startSize = 4096

  /// Whether a file may be one of captions by its name, so that a look at its first bytes pays. Not the
  /// files with a picture's details and text that lie beside it, of which there may be many.
  /// - Parameter name: In lower case.
  package static func mayBe(name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return false }
    switch parts[1] {
    case "json", "jsonl", "csv", "tsv": return true
    case "txt": return parts[0].contains("caption") || parts[0].contains("token")
    default: return false
    }
  }

  /// Whether a file seems to be one of captions by its first bytes: a JSON key or the heading of a column
  /// says so, or names of pictures are numbered as Flickr8k does.
  package static func seemsToBe(start: [UInt8]) -> Bool {
    let text = String(decoding: start.prefix(startSize), as: UTF8.self).lowercased()
    let heading = text.prefix { !$0.isNewline }
    if text.hasPrefix("{") || text.hasPrefix("[") {
      return ["\"caption", "\"sentences\"", "\"annotations\""].contains { text.contains($0) }
    }
    return heading.contains("caption") || heading.contains("comment")
      || heading.contains("#0\t") || heading.contains("#0 ")
  }
}
