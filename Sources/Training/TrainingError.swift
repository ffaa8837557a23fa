/// Why a training run cannot go on; the text names the file and says what to do.
public struct TrainingError: Error, Equatable, CustomStringConvertible {
  /// One line for the person at the terminal.
  public let description: String

  package init(_ description: String) { self.description = description }
}
