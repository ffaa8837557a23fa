/// An invalid vocabulary file; the description names the file and says what to do.
public struct TokenizationError: Error, Equatable, CustomStringConvertible {
  /// One line for the user.
  public let description: String

  init(_ description: String) { self.description = description }
}
