import Testing
import TestSupport

@testable import Tensors

/// Counts the parameters by moving their numbers out, and puts them back.
private struct Mover: ParameterVisitor {
  var addresses: [UnsafePointer<Float>?] = []
  var moved: [[Float]] = []
  var returns = false

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
    if returns {
      values = moved.removeFirst()
    } else {
      addresses.append(values.withUnsafeBufferPointer { $0.baseAddress })
      var taken: [Float] = []
      swap(&taken, &values)
      moved.append(taken)
    }
  }
}

/// Matrices that are kept as they are, to be trained.
@Suite struct PlainMatrixTests {
  @Test func keepsItsRows() {
    var matrix = PackedMatrix(rows: 17, columns: 3)
    #expect(!matrix.isPlain)
    var numbers = SplitMix64(seed: 71)
    let floats = numbers.floats(51)
    matrix.load(plain: floats)
    #expect(matrix.isPlain && matrix.floats == floats && matrix.format == nil)
    #expect(matrix.withPackedBytes { _ in true } == nil)
    matrix.load(floats: floats, as: .float32)
    #expect(!matrix.isPlain && matrix.floats == floats && matrix.format == .float32)
  }

  /// Neither walk copies a number: they lie where they lay.
  @Test func numbersAreMovedOutAndBack() throws {
    var layer = Linear(inputs: 40, outputs: 30)
    layer.weight.load(plain: [Float](repeating: 1, count: 1200))
    layer.bias = [Float](repeating: 2, count: 30)
    var mover = Mover()
    try layer.forEachParameter("", &mover)
    #expect(layer.weight.isPlain && layer.weight.floats.isEmpty && layer.bias.isEmpty)
    mover.moved[0][7] = 5
    mover.returns = true
    try layer.forEachParameter("", &mover)
    #expect(layer.weight.isPlain && layer.weight.floats[7] == 5 && layer.weight.floats[8] == 1)
    layer.weight.floats[8] = 6
    let address = layer.weight.floats.withUnsafeBufferPointer { $0.baseAddress }
    #expect(address == mover.addresses[0] && layer.weight.floats[8] == 6)
  }

  @Test func aCopyKeepsItsOwnNumbers() {
    var matrix = PackedMatrix(rows: 2, columns: 2)
    matrix.load(plain: [1, 2, 3, 4])
    let copy = matrix
    matrix.floats[0] = 9
    #expect(copy.floats == [1, 2, 3, 4] && matrix.floats == [9, 2, 3, 4])
  }

  @Test(arguments: [(1, 1, 1), (7, 13, 5), (49, 40, 24), (3, 1, 17), (0, 3, 2), (70, 30, 100)])
  func aLayerOfItIsExact(rows: Int, inputs: Int, outputs: Int) {
    var numbers = SplitMix64(seed: 72)
    let x = numbers.matrix(rows, inputs)
    let addend = numbers.matrix(rows, outputs, scale: 4)
    var layer = Linear(inputs: inputs, outputs: outputs)
    layer.weight.load(plain: numbers.floats(inputs * outputs))
    layer.bias = numbers.floats(outputs)
    let exact = Exact.linear(x, layer.weight.floats, layer.bias)
    let sums = zip(exact, addend.values).map { $0 + Double($1) }
    var y = Matrix()
    layer(x, into: &y)
    #expect(y.rows == rows && y.columns == outputs && largestError(y.values, exact) < 1e-5)
    layer(x, plus: addend, into: &y)
    #expect(largestError(y.values, sums) < 1e-5)
    layer(x, plus: addend, then: .relu6, into: &y)
    #expect(largestError(y.values, sums.map { min(max($0, 0), 6) }) < 1e-5)
    layer(x, plus: addend, then: .gelu, into: &y)
    #expect(largestError(y.values, sums.map { Exact.gelu(Float($0)) }) < 1e-5)
  }

  @Test func gradientsWantPlainNumbers() async {
    await #expect(processExitsWith: .failure) {
      var layer = Linear(inputs: 1, outputs: 1)
      layer.weight.floats = [1]
      layer.bias = [0]
      var gradient = layer
      layer.backward(
        Matrix(rows: 1, columns: 1), of: Matrix(rows: 1, columns: 1), into: &gradient)
    }
  }
}
