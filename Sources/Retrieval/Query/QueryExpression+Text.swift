internal import Store

extension QueryExpression {
  /// The terms of a query in one line, such as `a beach + 1.5*at night - people`: a sign has spaces around it,
  /// and text in double quotes has no signs. A line without signs is one text.
  ///
  /// - Throws: `RetrievalError` with the code `invalidQuery`, as ``init(arguments:picture:)``.
  public static func terms(of line: String) throws -> [Term] {
    try terms(arguments: arguments(of: line)) { _ in nil }
  }

  /// The line divided at its signs, each of which is an argument of its own.
  static func arguments(of line: String) -> [String] {
    var arguments: [String] = []
    var text = ""
    var isQuoted = false
    func isSpace(at index: String.Index) -> Bool {
      index == line.endIndex || line[index].isWhitespace
    }
    for index in line.indices {
      let character = line[index]
      if character == "\"" {
        isQuoted.toggle()
        continue
      }
      let isSign =
        !isQuoted && "+-".contains(character) && isSpace(at: line.index(after: index))
        && (index == line.startIndex || isSpace(at: line.index(before: index)))
      if isSign {
        add(text, to: &arguments)
        arguments.append(String(character))
        text = ""
      } else {
        text.append(character)
      }
    }
    add(text, to: &arguments)
    return arguments
  }

  private static func add(_ text: String, to arguments: inout [String]) {
    let words = text.split(whereSeparator: \.isWhitespace)
    if let first = words.first, let last = words.last {
      arguments.append(String(text[first.startIndex..<last.endIndex]))
    }
  }
}
