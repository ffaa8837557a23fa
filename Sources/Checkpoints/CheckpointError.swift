/// What went wrong while reading a model folder; the text names the file and says what to do.
public struct CheckpointError: Error, Equatable, CustomStringConvertible {
  /// One line, for a person.
  public let description: String

  /// An error with its line.
  public init(_ description: String) { self.description = description }
}
