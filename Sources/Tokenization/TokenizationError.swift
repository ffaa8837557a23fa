/// What is wrong with a vocabulary file; the text names the file and says what to do.
public struct TokenizationError: Error, Equatable, CustomStringConvertible {
  /// One line, for a person.
  public let description: String

  init(_ description: String) { self.description = description }
}
