import Testing
import TestSupport

@testable import Tensors

@Suite struct LayerTests {
  @Test(arguments: [
    (1, 1, 0, 0), (1, 2, 0, 0), (3, 1, 1, 1), (3, 2, 0, 1), (4, 4, 0, 0), (5, 2, 2, 2),
    (2, 3, 1, 0),
  ])
  func convolutionIsExact(kernel: Int, stride: Int, before: Int, after: Int) throws {
    var numbers = SplitMix64(seed: 7)
    let shape = ConvolutionShape(
      inputs: 3, outputs: 10, kernel: kernel, stride: stride, top: before, left: before,
      bottom: after, right: after)
    let x = FeatureMap(height: 9, width: 12, pixels: numbers.matrix(9 * 12, 3))
    let (weight, bias) = (numbers.floats(10 * 3 * kernel * kernel), numbers.floats(10))
    var layer = Convolution(shape)
    try layer.load(weight, bias)
    var y = FeatureMap()
    var windows = Matrix()
    layer(x, windows: &windows, into: &y)
    #expect(y.height == shape.height(for: 9) && y.width == shape.width(for: 12))
    let exact = Exact.convolution(x, shape, depthwise: false, weight, bias)
    #expect(largestError(y.pixels.values, exact) < 1e-5)
  }

  /// What is shown is what the checkpoint holds, whatever order the layer keeps it in.
  @Test func convolutionsGiveTheirParametersBack() throws {
    var numbers = SplitMix64(seed: 8)
    let (weight, bias) = (numbers.floats(6 * 6 * 9), numbers.floats(6))
    let shape = ConvolutionShape(
      inputs: 6, outputs: 6, kernel: 3, stride: 1, top: 1, left: 1, bottom: 1, right: 1)
    var full = Convolution(shape)
    try full.load(weight, bias)
    #expect(try full.shown() == [".weight [6, 6, 3, 3]": weight, ".bias [6]": bias])
    var depthwise = DepthwiseConvolution(shape, clamps: false)
    try depthwise.load(Array(weight[..<54]), bias)
    #expect(
      try depthwise.shown() == [".weight [6, 1, 3, 3]": Array(weight[..<54]), ".bias [6]": bias])
  }

  @Test func normalizedHasLengthOne() {
    var numbers = SplitMix64(seed: 9)
    let vector = normalized(numbers.floats(256, scale: 30))
    #expect(abs(dot(vector, vector) - 1) < 1e-6)
    #expect(normalized([0, 0]) == [0, 0])
  }

  @Test func reshapingKeepsMemory() {
    var matrix = Matrix(rows: 10, columns: 10)
    let address = matrix.values.withUnsafeBufferPointer { $0.baseAddress }
    matrix.reshape(rows: 2, columns: 3)
    #expect(matrix.rows == 2 && matrix.columns == 3 && matrix.values.count == 6)
    matrix.reshape(rows: 20, columns: 5)
    #expect(matrix.values.withUnsafeBufferPointer { $0.baseAddress } == address)
  }

  @Test func rowsAreTaken() {
    let matrix = Matrix(rows: 3, columns: 2, values: [1, 2, 3, 4, 5, 6])
    #expect(Array(matrix[row: 1]) == [3, 4])
    #expect(matrix.rows(1..<3) == Matrix(rows: 2, columns: 2, values: [3, 4, 5, 6]))
    #expect(matrix.rows([2, 0, 2]) == Matrix(rows: 3, columns: 2, values: [5, 6, 1, 2, 5, 6]))
  }

  @Test func aWrongShapeStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      var y = Matrix()
      var layer = Linear(inputs: 3, outputs: 1)
      layer.weight.floats = [1, 2, 3]
      layer.bias = [0]
      layer(Matrix(rows: 1, columns: 2), into: &y)
    }
    await #expect(processExitsWith: .failure) {
      var y = Matrix()
      Linear(inputs: 3, outputs: 1)(Matrix(rows: 1, columns: 3), into: &y)
    }
    await #expect(processExitsWith: .failure) { _ = dot([1, 2], [1]) }
  }
}
