/// An error of a model; the description names the file and says what to do.
public struct BLIPError: Error, Equatable, CustomStringConvertible {
  /// One line for the user.
  public let description: String

  init(_ description: String) { self.description = description }
}
