/// Why a vector, a query or a block was refused.
public struct VectorError: Error, Equatable, CustomStringConvertible {
  /// What is wrong with it.
  public let description: String
}
