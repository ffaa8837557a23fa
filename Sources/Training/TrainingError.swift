/// Why a training run fails; the description names the file and says what to do.
public struct TrainingError: Error, Equatable, CustomStringConvertible {
  /// One line for the user.
  public let description: String
  /// What helps, for a program to say in terms of its options.
  public let remedy: Remedy?

  /// What helps against an error.
  public enum Remedy: Sendable {
    /// Resuming the run in the directory (`TrainingRun.Plan.resumes`).
    case resuming
    /// Another directory (`TrainingRun.Plan.folder`).
    case anotherDirectory
    /// A lower learning rate or gradient clipping (`RunSettings.rate`, `clipping`).
    case smallerSteps
    /// Fewer views in the stem's cache (`RunSettings.views`).
    case fewerViews
  }

  package init(_ description: String, remedy: Remedy? = nil) {
    self.description = description
    self.remedy = remedy
  }
}
