/// A parameter of a model, or its gradient, moment or average.
public struct Parameter: Sendable, Equatable {
  /// Its name in the checkpoint.
  public let name: String
  /// Its shape there.
  public let shape: [Int]
  /// Its values, row-major.
  public var values: [Float]

  /// A parameter of the given values.
  public init(name: String, shape: [Int], values: [Float]) {
    self.name = name
    self.shape = shape
    self.values = values
  }
}
