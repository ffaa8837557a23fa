internal import Files

extension QueryExpression {
  /// Reads a query from the arguments of a command.
  ///
  /// One argument is a text or a picture, whatever it contains. Of several, every second one is `+` or `-`
  /// (one may also precede the first term), and a term may begin with a weight: `1.5*at night`.
  /// - Parameter picture: The picture that a term stands for; nil where it is a text.
  /// - Throws: `RetrievalError` with the code `invalidQuery`, which names the argument and its position
  ///   from 1.
  public init(
    arguments: [String], picture: (String) throws -> PictureSource?
  ) throws {
    try self.init(Self.terms(arguments: arguments, picture: picture))
  }

  /// The terms that the arguments are.
  static func terms(
    arguments: [String], picture: (String) throws -> PictureSource?
  ) throws -> [Term] {
    func content(_ text: String) throws -> Term.Content {
      try picture(text).map { .picture($0) } ?? .text(text)
    }
    if arguments.count == 1 {
      let content = try content(arguments[0])
      if case .text("+") = content {
      } else if case .text("-") = content {
      } else {
        return [Term(content)]
      }
    }
    var terms: [Term] = []
    var sign: Float? = 1
    var last: Argument?
    for (index, text) in arguments.enumerated() {
      let argument = Argument(text: text, position: index + 1)
      if argument.isOperator {
        if let last, last.isOperator {
          throw argument.error("follows another + or -: write a text or a picture between them")
        }
        sign = text == "-" ? -1 : 1
      } else {
        guard let operation = sign else { throw argument.withoutOperator }
        let (weight, term) = try argument.weighted()
        guard term.contains(where: { !$0.isWhitespace }) else {
          throw argument.error("is an empty text: say what the picture shows")
        }
        terms.append(Term(try content(term), weight: operation * weight))
        sign = nil
      }
      last = argument
    }
    if let last, last.isOperator {
      throw last.error("is followed by nothing: write a text or a picture after it")
    }
    return terms
  }
}

/// An argument of a query, and its position from 1.
private struct Argument {
  let text: String
  let position: Int

  var isOperator: Bool { text == "+" || text == "-" }

  func error(_ problem: String) -> RetrievalError {
    RetrievalError(
      .invalidQuery, "'\(printable(String(text.prefix(80))))' (argument \(position)) \(problem)")
  }

  /// Why a term cannot follow another one directly.
  var withoutOperator: RetrievalError {
    if let sign = text.first, "+-".contains(sign) {
      return error("needs a space after the \(sign): write \(sign) \(printable(text.dropFirst()))")
    }
    return error("follows a term without + or -: put a text of several words in quotes")
  }

  /// The weight that a term begins with, 1 if it begins with none, and the term.
  func weighted() throws(RetrievalError) -> (Float, String) {
    guard let star = text.firstIndex(of: "*"), star != text.startIndex,
      text[..<star].utf8.allSatisfy({ $0 == UInt8(ascii: ".") || 0x30...0x39 ~= $0 }),
      let weight = Float(text[..<star])
    else { return (1, text) }
    guard weight > 0, weight <= QueryExpression.maximumWeight else {
      throw error(
        "has a weight that is not above 0 and at most \(Int(QueryExpression.maximumWeight))")
    }
    let term = text[text.index(after: star)...]
    guard term.contains(where: { !$0.isWhitespace }) else {
      throw error("is a weight without a term: write \(text[...star])TEXT in one argument")
    }
    return (weight, String(term.drop(while: \.isWhitespace)))
  }
}
