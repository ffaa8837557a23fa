import ArgumentParser
import Files
import Glibc
import Images
import Retrieval

/// The query of a search: texts and picture files with + or - between them.
struct QueryArguments: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Text to search for, or a picture file; or several, with + or - between them.",
      valueName: "query"))
  var arguments: [String]

  /// How queries are written, for the help page.
  static let rules = """
    QUERIES
      One argument is a text or a picture file. What begins with /, ./ or ../, \
    ends like a picture file, or names a file that exists, is a file; to search for \
    such a text, put a space before it.

      Several arguments are terms with + or - between them: results are like those \
    with + and unlike those with -. A term may begin with a weight from 0 to 100, as \
    in "1.5*at night". A sign needs spaces around it, and -- goes before a text that \
    begins with a dash. Reranking judges by the texts with +.
    """

  func validate() throws {
    if arguments.contains(where: { $0.allSatisfy(\.isWhitespace) }) {
      throw ValidationError("The query must not be empty.")
    }
    _ = try expression()
  }

  /// The query; what does not parse is a usage error.
  func expression() throws -> QueryExpression {
    do {
      return try QueryExpression(arguments: arguments, isPicture: PictureArgument.isPicture)
    } catch let error as RetrievalError { throw ValidationError("\(error)") }
  }
}

/// An argument that may be a picture file.
enum PictureArgument {
  /// Whether the argument means a file: it begins as a path does, names a file that exists, or has a
  /// picture's extension and no spaces.
  static func isPicture(_ text: String) -> Bool {
    if isExplicitPath(text) { return true }
    if let status = try? FileSystem.status(Array(text.utf8)), status.kind != .folder { return true }
    guard let dot = text.lastIndex(of: ".") else { return false }
    return ImageDecoder.extensions.contains(text[text.index(after: dot)...].lowercased())
      && !text.contains(where: \.isWhitespace)
  }

  /// Throws if the file cannot be read, before a model is loaded for it.
  static func check(_ path: String) throws(CommandFailure) {
    if access(path, R_OK) != 0 {
      let reason = String(cString: strerror(errno))
      throw CommandFailure("cannot read the picture \(printable(path)): \(reason)")
    }
    if let status = try? FileSystem.status(Array(path.utf8)), status.kind == .folder {
      throw CommandFailure(
        "cannot read the picture \(printable(path)): it is a folder; name a picture file")
    }
  }

  private static func isExplicitPath(_ text: String) -> Bool {
    text == "." || text == ".." || ["/", "./", "../"].contains(where: text.hasPrefix)
  }
}
