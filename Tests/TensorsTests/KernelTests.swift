import TestSupport
import Testing
import TestSupport

@testable import Tensors

extension ChoiceOfKernels {
  /// The kernels against double precision, in each build that this processor allows. The choice is
  /// the whole process's, so these run one after the other; other tests may meet any, and pass with
  /// each.
  @Suite struct KernelTests {
    @Test(arguments: [(-5_000...20_000, 2e-6), (-10_000 ... -5_000, 1e-5)])
    func geluIsAccurate(thousandths: ClosedRange<Int>, bound: Double) {
      let x = thousandths.filter { $0 != 0 }.map { Float($0) / 1000 }
      KernelBuild.withEach { _ in
        var y = Matrix()
        gelu(Matrix(rows: 1, columns: x.count, values: x), into: &y)
        let error = largestRelativeError(y.values, x.map(Exact.gelu))
        #expect(error < bound, "\(error)")
      }
    }

    @Test func geluOfExtremes() {
      let x: [Float] = [0, -0.0, -8, -13, -40, -1e30, 1e30, 1e-30, .infinity]
      KernelBuild.withEach { _ in
        var y = Matrix()
        gelu(Matrix(rows: 1, columns: x.count, values: x), into: &y)
        for (x, y) in zip(x, y.values) {
          let exact = x == .infinity ? .infinity : Exact.gelu(x)
          #expect(y == Float(exact) || abs(Double(y) - exact) <= abs(exact) * 1e-5 + 1e-30, "\(x)")
        }
        gelu(Matrix(rows: 1, columns: 1, values: [.nan]), into: &y)
        #expect(y.values[0].isNaN)
      }
    }

    @Test(arguments: [1, 2, 7, 8, 9, 16, 50, 577], [(5 as Float, 1e-6), (20, 3e-6)])
    func softmaxIsAccurate(columns: Int, scores: (largest: Float, bound: Double)) {
      var numbers = SplitMix64(seed: 1)
      let x = numbers.matrix(5, columns, scale: 4 * scores.largest)
      KernelBuild.withEach { _ in
        var y = x
        softmax(&y, scale: 0.25)
        for row in 0..<x.rows {
          let error = largestRelativeError(
            Array(y[row: row]), Exact.softmax(x[row: row], scale: 0.25))
          #expect(error < scores.bound, "\(error)")
        }
      }
    }

    @Test func softmaxOfHugeScoresIsFinite() {
      KernelBuild.withEach { _ in
        var x = Matrix(rows: 1, columns: 3, values: [3e38, -3e38, 3e38])
        softmax(&x)
        #expect(x.values == [0.5, x.values[1], 0.5] && x.values[1] < 1e-37)
      }
    }

    /// Also of rows with a mean far from 0, where a one-pass variance would lose its digits.
    @Test(arguments: [5, 8, 64, 383, 384], [(0 as Float, 1e-6), (5, 1e-6), (100, 2e-5)])
    func layerNormIsAccurate(width: Int, rows: (mean: Float, bound: Double)) {
      var numbers = SplitMix64(seed: 2)
      var norm = LayerNorm(width: width, epsilon: 1e-6)
      norm.weight = numbers.floats(width)
      norm.bias = numbers.floats(width)
      let x = Matrix(
        rows: 9, columns: width, values: numbers.floats(9 * width).map { $0 + rows.mean })
      KernelBuild.withEach { _ in
        var y = Matrix()
        norm(x, into: &y)
        for row in 0..<x.rows {
          let error = largestError(Array(y[row: row]), Exact.layerNorm(x[row: row], norm))
          #expect(error < rows.bound, "\(error)")
        }
      }
    }

    @Test func layerNormOfOneNumberIsItsBias() {
      var norm = LayerNorm(width: 1, epsilon: 1e-6)
      norm.weight = [3]
      norm.bias = [0.5]
      KernelBuild.withEach { _ in
        var y = Matrix()
        norm(Matrix(rows: 1, columns: 1, values: [7]), into: &y)
        #expect(y.values == [0.5])
      }
    }

    @Test(arguments: [0, 1, 7, 8, 31, 32, 33, 256, 1000]) func dotIsAccurate(count: Int) {
      var numbers = SplitMix64(seed: 3)
      let (a, b) = (normalized(numbers.floats(count)), normalized(numbers.floats(count)))
      let exact = zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      KernelBuild.withEach { _ in #expect(abs(Double(dot(a, b)) - exact) < 1e-7) }
    }

    /// To the nearest bfloat16, ties to even.
    private func rounded(_ x: Matrix) -> Matrix {
      Matrix(
        rows: x.rows, columns: x.columns,
        values: x.values.map {
          let bits = $0.bitPattern
          return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
        })
    }

    /// The last three are deeper than what is summed up at a time.
    @Test(arguments: [
      (1, 1, 1), (7, 13, 5), (6, 27, 16), (49, 40, 24), (50, 17, 33), (13, 64, 88), (3, 1, 17),
      (0, 3, 2), (70, 770, 9), (5, 1100, 24), (9, 1537, 16),
    ])
    func linearIsExact(rows: Int, inputs: Int, outputs: Int) {
      var numbers = SplitMix64(seed: 4)
      let x = numbers.matrix(rows, inputs)
      let weight = numbers.floats(outputs * inputs)
      let bytes = (0..<outputs * inputs).map { Int8(clamping: $0 * 37 % 256 - 128) }
      let scales = numbers.floats(outputs, scale: 0.02)
      let addend = numbers.matrix(rows, outputs, scale: 4)
      var layer = Linear(inputs: inputs, outputs: outputs)
      layer.bias = numbers.floats(outputs)
      for format in [PackedFormat.float32, .scaledBytes, .bfloat16] {
        switch format {
        case .scaledBytes:
          layer.weight.load(bytes: bytes.span.bytes, scales: scales)
          #expect(
            layer.weight.floats == bytes.indices.map { Float(bytes[$0]) * scales[$0 / inputs] })
        case .bfloat16:
          layer.weight.load(floats: weight, as: .bfloat16)
          #expect(zip(layer.weight.floats, weight).allSatisfy { abs($0 - $1) <= abs($1) / 256 })
        default:
          layer.weight.floats = weight
          #expect(layer.weight.floats == weight)
        }
        #expect(layer.weight.format == format)
        KernelBuild.withEach { build in
          // Where the processor multiplies bfloat16 by itself, both factors are.
          let factors = format == .bfloat16 && build == .avx512 ? rounded(x) : x
          let exact = Exact.linear(factors, layer.weight.floats, layer.bias)
          let sums = zip(exact, addend.values).map { $0 + Double($1) }
          var y = Matrix()
          layer(x, into: &y)
          #expect(y.rows == rows && y.columns == outputs)
          #expect(largestError(y.values, exact) < 1e-5)
          layer(x, plus: addend, into: &y)
          #expect(largestError(y.values, sums) < 1e-5)
          layer(x, plus: addend, then: .relu6, into: &y)
          #expect(largestError(y.values, sums.map { min(max($0, 0), 6) }) < 1e-5)
          layer(x, plus: addend, then: .gelu, into: &y)
          #expect(largestError(y.values, sums.map { Exact.gelu(Float($0)) }) < 1e-5)
        }
      }
    }

    /// Factors that are bfloat16 already leave only the probabilities to be rounded, by 2⁻⁹ of each
    /// at most.
    @Test(arguments: [(3, 577, 64), (50, 37, 16), (1, 1, 1), (5, 8, 7), (2, 33, 88)])
    func roundedAttentionIsNear(queries: Int, keys: Int, size: Int) {
      var numbers = SplitMix64(seed: 14)
      let (q, k, v) = (
        rounded(numbers.matrix(queries, size)), rounded(numbers.matrix(keys, size)),
        rounded(numbers.matrix(keys, size))
      )
      let shape = HeadShape(count: 1, width: size)
      let segments = [AttentionSegment(queries: 0..<queries, keys: 0..<keys)]
      let largest = Double(v.values.map(abs).max() ?? 0)
      KernelBuild.withEach { _ in
        var (exact, near) = (Matrix(), Matrix())
        attend(
          AttentionOperands(queries: Heads(q), keys: Heads(k), values: Heads(v), shape, segments),
          into: &exact)
        attend(
          AttentionOperands(queries: Heads(q), keys: Heads(k), values: Heads(v), shape, segments),
          rounding: true, into: &near)
        let error = zip(near.values, exact.values).map { abs(Double($0) - Double($1)) }.max() ?? 1
        #expect(error < largest / 512 + 1e-5, "\(error)")
      }
    }

    /// Many rows are divided by rows, few by outputs.
    @Test(
      arguments: [(130, 400, 700), (20, 1000, 1000)], [PackedFormat.float32, .bfloat16, .integers])
    func severalThreadsMultiplyTheSame(
      shape: (rows: Int, inputs: Int, outputs: Int), format: PackedFormat
    ) {
      var numbers = SplitMix64(seed: 13)
      let x = numbers.matrix(shape.rows, shape.inputs)
      let addend = numbers.matrix(shape.rows, shape.outputs)
      var layer = Linear(inputs: shape.inputs, outputs: shape.outputs)
      layer.weight.load(floats: numbers.floats(shape.inputs * shape.outputs), as: format)
      layer.bias = numbers.floats(shape.outputs)
      var (one, many) = (Matrix(), Matrix())
      defer { setComputeThreads(processors) }
      setComputeThreads(1)
      layer(x, plus: addend, then: .gelu, into: &one)
      setComputeThreads(4)
      layer(x, plus: addend, then: .gelu, into: &many)
      #expect(largestError(many.values, one.values.map(Double.init)) == 0)
    }

    /// More queries than are run at a time, and keys that fill no panel.
    @Test(arguments: [(50, 577, 64), (97, 33, 24), (1, 12, 9)])
    func attentionIsExact(queries: Int, keys: Int, size: Int) {
      var numbers = SplitMix64(seed: 15)
      let shape = HeadShape(count: 2, width: 2 * size)
      let q = numbers.matrix(queries, 2 * size, scale: 2)
      let (k, v) = (numbers.matrix(keys, 2 * size), numbers.matrix(keys, 2 * size))
      var exact = [Double](repeating: 0, count: queries * 2 * size)
      for query in 0..<queries {
        for head in 0..<2 {
          let columns = head * size..<(head + 1) * size
          let scores = (0..<keys).map { key in
            zip(q[row: query].dropFirst(head * size), k[row: key].dropFirst(head * size))
              .prefix(size).reduce(0) { $0 + $1.0 * $1.1 }
          }
          for (key, p) in Exact.softmax(scores, scale: shape.scale).enumerated() {
            for column in columns {
              exact[query * 2 * size + column] += p * Double(v.values[key * 2 * size + column])
            }
          }
        }
      }
      KernelBuild.withEach { _ in
        var context = Matrix()
        attend(
          AttentionOperands(
            queries: Heads(q), keys: Heads(k), values: Heads(v), shape,
            [AttentionSegment(queries: 0..<queries, keys: 0..<keys)]), into: &context)
        #expect(largestError(context.values, exact) < 1e-5)
      }
    }

    @Test func severalThreadsAttendTheSame() {
      var numbers = SplitMix64(seed: 14)
      defer { setComputeThreads(processors) }
      setComputeThreads(4)
      // Attention, over 300 rows of 96 columns in 6 heads.
      let qkv = numbers.matrix(300, 288)
      let segment = [AttentionSegment(queries: 0..<300, keys: 0..<300)]
      let run = {
        var context = Matrix()
        attend(
          AttentionOperands(
            queries: Heads(qkv), keys: Heads(qkv, from: 96), values: Heads(qkv, from: 192),
            HeadShape(count: 6, width: 96), segment), into: &context)
        return context
      }
      let divided = run()
      setComputeThreads(1)
      #expect(largestError(divided.values, run().values.map(Double.init)) == 0)
    }

    @Test(arguments: [3, 5], [1, 2])
    func depthwiseConvolutionIsExact(kernel: Int, stride: Int) throws {
      var numbers = SplitMix64(seed: 5)
      for (height, width, channels) in [(9, 16, 8), (7, 7, 24), (6, 11, 5), (3, 3, 9)] {
        for (top, left, bottom, right) in [(0, 0, 1, 1), (2, 2, 2, 2), (1, 0, 1, 2)] {
          let shape = ConvolutionShape(
            inputs: channels, outputs: channels, kernel: kernel, stride: stride, top: top,
            left: left, bottom: bottom, right: right)
          guard height + top + bottom >= kernel, width + left + right >= kernel else { continue }
          let x = FeatureMap(
            height: height, width: width, pixels: numbers.matrix(height * width, channels))
          let weight = numbers.floats(channels * kernel * kernel)
          let bias = numbers.floats(channels)
          let exact = Exact.convolution(x, shape, depthwise: true, weight, bias)
          for clamps in [false, true] {
            var layer = DepthwiseConvolution(shape, clamps: clamps)
            try layer.load(weight, bias)
            KernelBuild.withEach { _ in
              var y = FeatureMap()
              layer(x, into: &y)
              let expected = clamps ? exact.map { min(max($0, 0), 6) } : exact
              #expect(largestError(y.pixels.values, expected) < 1e-5, "\(height)×\(width) \(shape)")
            }
          }
        }
      }
    }
  }
}
