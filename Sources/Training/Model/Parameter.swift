/// A parameter of a network, or what belongs to it: its gradient, a moment, an average.
public struct Parameter: Sendable, Equatable {
  /// Its name in the checkpoint.
  public let name: String
  /// Its shape there.
  public let shape: [Int]
  /// Its numbers, row-major.
  public var values: [Float]

  /// A parameter of the given numbers.
  public init(name: String, shape: [Int], values: [Float]) {
    self.name = name
    self.shape = shape
    self.values = values
  }
}
