import TestSupport
import Testing
import TestSupport

@testable import Tensors

extension ChoiceOfKernels {
  /// Backward passes against central differences of the forward pass in double precision, in each
  /// build of the kernels.
  @Suite struct GradientTests {
    private func linear(_ numbers: inout SplitMix64, _ inputs: Int, _ outputs: Int) -> Linear {
      var layer = Linear(inputs: inputs, outputs: outputs)
      layer.weight.load(plain: numbers.floats(inputs * outputs))
      layer.bias = numbers.floats(outputs)
      return layer
    }

    @Test(arguments: [(1, 1, 1), (3, 5, 2), (9, 4, 17), (5, 40, 3)])
    func ofALinearLayer(rows: Int, inputs: Int, outputs: Int) {
      var numbers = SplitMix64(seed: 41)
      let layer = linear(&numbers, inputs, outputs)
      let before = linear(&numbers, inputs, outputs)
      let (x, dy) = (numbers.matrix(rows, inputs), numbers.matrix(rows, outputs))
      let (w, b) = (layer.weight.floats.map(Double.init), layer.bias.map(Double.init))
      let x_ = x.values.map(Double.init)
      let dx = differences(at: x.values) {
        loss(Exact.linear($0, weight: w, bias: b, inputs: inputs), dy.values)
      }
      let dw = differences(at: layer.weight.floats) {
        loss(Exact.linear(x_, weight: $0, bias: b, inputs: inputs), dy.values)
      }
      let db = differences(at: layer.bias) {
        loss(Exact.linear(x_, weight: w, bias: $0, inputs: inputs), dy.values)
      }
      KernelBuild.withEach { _ in
        var (gradient, found) = (before, Matrix())
        layer.backward(dy, of: x, into: &gradient, dx: &found)
        #expect(largestError(found.values, dx) < 1e-5)
        layer.backward(dy, of: x, into: &gradient, dx: &found, accumulating: true)
        #expect(largestError(found.values, dx.map { 2 * $0 }) < 1e-5)
        layer.backward(dy, of: x, into: &gradient)
        let sum = { (before: [Float], d: [Double]) in zip(before, d).map { Double($0) + 3 * $1 } }
        #expect(largestError(gradient.weight.floats, sum(before.weight.floats, dw)) < 1e-5)
        #expect(largestError(gradient.bias, sum(before.bias, db)) < 1e-5)
      }
    }

    /// A convolution is linear in its kernels and in the picture: its derivatives are what it makes of
    /// unit vectors.
    @Test(arguments: [3, 5], [1, 20]) func ofADepthwiseConvolution(kernel: Int, channels: Int)
      throws
    {
      var numbers = SplitMix64(seed: 47)
      let (side, pictures, pad) = (4, 2, kernel / 2)
      let shape = ConvolutionShape(
        inputs: channels, outputs: channels, kernel: kernel, stride: 1, top: pad, left: pad,
        bottom: pad, right: pad)
      let (weight, bias) = (
        numbers.floats(channels * kernel * kernel), numbers.floats(channels)
      )
      let (x, dy) = (
        numbers.matrix(pictures * side * side, channels),
        numbers.matrix(pictures * side * side, channels)
      )
      func exact(_ x: [Float], _ weight: [Float], _ bias: [Float]) -> [Double] {
        let size = side * side * channels
        return (0..<pictures).flatMap { picture in
          Exact.convolution(
            FeatureMap(
              height: side, width: side,
              pixels: Matrix(
                rows: side * side, columns: channels,
                values: Array(x[picture * size..<(picture + 1) * size]))), shape, depthwise: true,
            weight, bias)
        }
      }
      func units(_ count: Int) -> [[Float]] {
        (0..<count).map { unit in (0..<count).map { $0 == unit ? 1 : 0 } }
      }
      let none = [Float](repeating: 0, count: channels)
      let dx = units(x.values.count).map { loss(exact($0, weight, none), dy.values) }
      let dw = units(weight.count).map { loss(exact(x.values, $0, none), dy.values) }
      let nothing = [Float](repeating: 0, count: weight.count)
      let db = units(channels).map { loss(exact(x.values, nothing, $0), dy.values) }
      var layer = DepthwiseConvolution(shape, clamps: false)
      try layer.load(weight, bias)
      try KernelBuild.withEach { _ in
        var y = FeatureMap()
        let maps = FeatureMap(count: pictures, height: side, width: side, pixels: x)
        layer(maps, into: &y)
        #expect(largestError(y.pixels.values, exact(x.values, weight, bias)) < 1e-5)
        var (gradient, found) = (DepthwiseConvolution(shape, clamps: false), Matrix())
        try gradient.load(weight, bias)
        layer.backward(dy, of: maps, into: &gradient, dx: &found)
        #expect(largestError(found.values, dx) < 1e-5)
        let shown = try gradient.shown()
        let sum = { (before: [Float], d: [Double]) in zip(before, d).map { Double($0) + $1 } }
        #expect(
          largestError(shown[".weight [\(channels), 1, \(kernel), \(kernel)]"]!, sum(weight, dw))
            < 1e-5)
        #expect(largestError(shown[".bias [\(channels)]"]!, sum(bias, db)) < 1e-5)
      }
    }

    /// Nothing passes where a ReLU6 has cut something off.
    @Test func ofAReLU6() {
      let y = Matrix(rows: 1, columns: 5, values: [0, 1e-6, 3, 5.999, 6])
      var dy = Matrix(rows: 1, columns: 5, values: [1, 2, 3, 4, 5])
      relu6Backward(&dy, of: y)
      #expect(dy.values == [0, 2, 3, 4, 0])
    }

    @Test(arguments: [(1, 5), (3, 8), (4, 21)], [0 as Float, 3])
    func ofALayerNorm(shape: (rows: Int, width: Int), mean: Float) {
      var numbers = SplitMix64(seed: 42)
      var norm = LayerNorm(width: shape.width, epsilon: 1e-3)
      norm.weight = numbers.floats(shape.width)
      norm.bias = numbers.floats(shape.width)
      var x = numbers.matrix(shape.rows, shape.width)
      for index in x.values.indices { x.values[index] += mean }
      let dy = numbers.matrix(shape.rows, shape.width)
      let (w, b) = (norm.weight.map(Double.init), norm.bias.map(Double.init))
      let exact = { (x: [Double], w: [Double], b: [Double]) in
        loss(Exact.layerNorm(x, weight: w, bias: b, epsilon: Double(norm.epsilon)), dy.values)
      }
      let x_ = x.values.map(Double.init)
      let dx = differences(at: x.values) { exact($0, w, b) }
      let dw = differences(at: norm.weight) { exact(x_, $0, b) }
      let db = differences(at: norm.bias) { exact(x_, w, $0) }
      KernelBuild.withEach { _ in
        var (gradient, found) = (norm, Matrix())
        norm.backward(dy, of: x, into: &gradient, dx: &found)
        #expect(largestError(found.values, dx) < 2e-5)
        norm.backward(dy, of: x, into: &gradient, dx: &found, accumulating: true)
        #expect(largestError(found.values, dx.map { 2 * $0 }) < 2e-5)
        #expect(largestError(gradient.weight, zip(w, dw).map { $0 + 2 * $1 }) < 1e-5)
        #expect(largestError(gradient.bias, zip(b, db).map { $0 + 2 * $1 }) < 1e-5)
      }
    }

    @Test func ofGELU() {
      let x = (-1200...1200).map { Float($0) / 100 }
      let exact = differences(at: x) { $0.reduce(0) { $0 + Exact.gelu($1) } }
      KernelBuild.withEach { _ in
        var dy = Matrix(rows: 1, columns: x.count, values: x.map { _ in 2 })
        geluBackward(&dy, of: Matrix(rows: 1, columns: x.count, values: x))
        #expect(zip(dy.values, exact).allSatisfy { abs(Double($0) - 2 * $1) < 2e-6 })
      }
    }

    @Test func ofNormalizedRows() {
      var numbers = SplitMix64(seed: 43)
      let (x, dy) = (numbers.matrix(3, 11, scale: 4), numbers.matrix(3, 11))
      let exact = differences(at: x.values) {
        loss(Exact.normalizedRows($0, columns: 11), dy.values)
      }
      KernelBuild.withEach { _ in
        var (y, dx) = (Matrix(), Matrix())
        normalizeRows(x, into: &y)
        let rows = Exact.normalizedRows(x.values.map(Double.init), columns: 11)
        #expect(largestError(y.values, rows) < 1e-6)
        normalizeRowsBackward(dy, of: x, dx: &dx)
        #expect(largestError(dx.values, exact) < 1e-5)
      }
    }

    @Test func rowsAreAddedWhereTheyWereTaken() {
      var sums = Matrix(rows: 3, columns: 2, values: [1, 1, 1, 1, 1, 1])
      let dx = Matrix(rows: 3, columns: 2, values: [1, 2, 3, 4, 5, 6])
      addRows(dx, at: [2, 0, 2], to: &sums)
      #expect(sums.values == [4, 5, 1, 1, 7, 9])
      addRows(dx, at: [0, 1, 1], to: &sums.values)
      #expect(sums.values == [5, 7, 9, 11, 7, 9])
    }

    @Test(arguments: [false, true], [false, true])
    func productsOfMatrices(a transposedA: Bool, b transposedB: Bool) {
      var numbers = SplitMix64(seed: 44)
      let (m, n, k) = (7, 5, 9)
      let a = transposedA ? numbers.matrix(k, m) : numbers.matrix(m, k)
      let b = transposedB ? numbers.matrix(n, k) : numbers.matrix(k, n)
      let exact = (0..<m * n).map { place in
        (0..<k).reduce(0.0) { sum, i in
          let (row, column) = (place / n, place % n)
          let x = a.values[transposedA ? i * m + row : row * k + i]
          let y = b.values[transposedB ? column * k + i : i * n + column]
          return sum + 0.5 * Double(x) * Double(y)
        }
      }
      var c = Matrix()
      multiply(a, transposed: transposedA, by: b, transposed: transposedB, scale: 0.5, into: &c)
      #expect(largestError(c.values, exact) < 1e-5)
      multiply(
        a, transposed: transposedA, by: b, transposed: transposedB, scale: 0.5, into: &c,
        accumulating: true)
      #expect(largestError(c.values, exact.map { 2 * $0 }) < 1e-5)
    }

    /// Large enough to be divided: the same as undivided, and the same bits when repeated.
    @Test func severalThreadsFindTheSame() {
      var numbers = SplitMix64(seed: 45)
      let layer = linear(&numbers, 160, 200)
      var norm = LayerNorm(width: 160, epsilon: 1e-6)
      norm.weight = numbers.floats(160)
      norm.bias = numbers.floats(160)
      let (x, dy) = (numbers.matrix(1300, 160), numbers.matrix(1300, 200))
      let run = { (threads: Int) in
        setComputeThreads(threads)
        var gradient = layer
        var (y, dx, normed) = (Matrix(), Matrix(), Matrix())
        layer(x, then: .gelu, into: &y)
        layer.backward(dy, of: x, into: &gradient, dx: &dx)
        geluBackward(&y, of: dy)
        var normGradient = norm
        norm.backward(dx, of: x, into: &normGradient, dx: &normed)
        return [
          y.values, dx.values, normed.values, gradient.weight.floats, gradient.bias,
          normGradient.weight, normGradient.bias,
        ]
      }
      defer { setComputeThreads(processors) }
      let (one, many) = (run(1), run(4))
      for (one, many) in zip(one, many) {
        #expect(largestError(many, one.map(Double.init)) < 1e-5)
      }
      #expect(run(4) == many)
    }
  }
}
