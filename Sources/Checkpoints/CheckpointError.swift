/// An invalid or unreadable model folder or file; the description names the file and says what to
/// do.
public struct CheckpointError: Error, Equatable, CustomStringConvertible {
  /// One line for the user.
  public let description: String

  /// An error with its description.
  public init(_ description: String) { self.description = description }
}
