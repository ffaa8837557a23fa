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
    ends like a picture file, or names a file that exists, is a file, unless --text \
    is given; a single - is a picture on standard input.

    Several arguments are terms with + or - between them: results are like those \
    with + and unlike those with -. A term may begin with a weight from 0 to 100, as \
    in "1.5*at night". A sign needs spaces around it, and -- goes before a text that \
    begins with a dash. Reranking compares pictures with the texts that have a +.
    """

  func validate() throws {
    if arguments.contains(where: { $0.allSatisfy(\.isWhitespace) }) {
      throw ValidationError("The query must not be empty.")
    }
  }

  /// The query; what does not parse is a usage error.
  /// - Parameters:
  ///   - isText: Whether every argument is a text.
  ///   - standardInput: The picture that a single `-` stands for.
  func expression(
    isText: Bool, standardInput: PictureSource = PictureArgument.unread
  ) throws -> QueryExpression {
    let isAlone = arguments.count == 1
    do {
      return try QueryExpression(arguments: arguments) { argument in
        guard !isText else { return nil }
        if isAlone, PictureArgument.isStandardInput(argument) { return standardInput }
        return PictureArgument.isPicture(argument) ? PictureArgument.file(argument) : nil
      }
    } catch let error as RetrievalError { throw ValidationError("\(error)") }
  }

  /// The query with its pictures: files that can be read, and standard input, which is read now.
  func readExpression(isText: Bool) throws -> QueryExpression {
    let isOfInput = try expression(isText: isText).pictures.contains(PictureArgument.unread)
    let expression =
      try isOfInput
      ? expression(isText: isText, standardInput: PictureArgument.readStandardInput())
      : expression(isText: isText)
    for picture in expression.pictures {
      do throws(CommandFailure) { try PictureArgument.check(picture) } catch {
        throw CommandFailure("\(error.description); --text searches for the words themselves")
      }
    }
    return expression
  }
}

/// An argument that may be a picture file.
enum PictureArgument {
  /// Whether the argument means a file: it begins as a path does, names a file that exists, or has a
  /// picture's extension and no spaces.
  static func isPicture(_ text: String) -> Bool {
    if isExplicitPath(text) { return true }
    if let status = try? FileSystem.status(ArgumentBytes.of(text)), status.kind != .folder {
      return true
    }
    guard let dot = text.lastIndex(of: ".") else { return false }
    return ImageDecoder.extensions.contains(text[text.index(after: dot)...].lowercased())
      && !text.contains(where: \.isWhitespace)
  }

  /// Whether the argument stands for a picture on standard input.
  static func isStandardInput(_ argument: String) -> Bool { argument == "-" }

  /// Standard input before it is read.
  static let unread = PictureSource.contents([], name: "standard input")

  /// The file that an argument names.
  static func file(_ argument: String) -> PictureSource {
    .file(ArgumentBytes.of(argument))
  }

  /// The picture that an argument of a command stands for that takes nothing but pictures.
  static func source(_ argument: String) throws -> PictureSource {
    let source = isStandardInput(argument) ? try readStandardInput() : file(argument)
    try check(source)
    return source
  }

  /// Reads standard input to its end.
  static func readStandardInput() throws(CommandFailure) -> PictureSource {
    guard isatty(STDIN_FILENO) == 0 else {
      throw CommandFailure(
        "- reads a picture from standard input, which is the terminal: redirect a file or a pipe to it"
      )
    }
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try FileSystem.readToEnd(STDIN_FILENO, limit: ImageDecoder().maximumBytes)
    } catch { throw CommandFailure("standard input: \(error)") }
    guard !bytes.isEmpty else {
      throw CommandFailure("standard input is empty: - reads a picture from it")
    }
    return .contents(bytes, name: "standard input")
  }

  /// Throws if the file cannot be read, before a model is loaded for it.
  static func check(_ picture: PictureSource) throws(CommandFailure) {
    guard case .file(let path) = picture else { return }
    func failure(_ reason: String) -> CommandFailure {
      CommandFailure("cannot read the picture \(printable(path)): \(reason)")
    }
    let isFolder: Bool
    do throws(FileError) {
      isFolder = try FileSystem.status(path).kind == .folder
      try FileSystem.requireReadable(path)
    } catch { throw failure("\(error)") }
    if isFolder { throw failure("it is a folder; name a picture file") }
  }

  private static func isExplicitPath(_ text: String) -> Bool {
    text == "." || text == ".." || ["/", "./", "../"].contains(where: text.hasPrefix)
  }
}
