/// What went wrong in the model; the text names the file and says what to do.
public struct BLIPError: Error, Equatable, CustomStringConvertible {
  /// One line for the person at the terminal.
  public let description: String

  init(_ description: String) { self.description = description }
}
