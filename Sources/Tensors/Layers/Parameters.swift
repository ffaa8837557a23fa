/// Is shown every parameter of a model: its name in the checkpoint, its shape there, and its numbers
/// (none before the model is loaded), which it may replace. One walk over the parameters names them
/// all, and serves whatever is done with every parameter: checking, loading, counting, saving.
public protocol ParameterVisitor {
  /// A vector, a table, or the kernels of a convolution, row-major.
  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) throws

  /// The matrix of a linear layer, which may be stored in fewer bits.
  mutating func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) throws
}

extension ParameterVisitor {
  /// The matrix as floats, for visitors that know nothing else.
  public mutating func visit(
    _ name: String, _ shape: [Int], _ matrix: inout PackedMatrix
  ) throws {
    try visit(name, shape, &matrix.floats)
  }
}
