import TestSupport
import Testing
import TestSupport

@testable import Tensors

extension ChoiceOfKernels {
  /// Products in integers against the same integers summed in Swift, and against floats within what
  /// rounding to 7 bits can do; in each build of the kernels.
  @Suite struct IntegerTests {
    /// A row in 7 bits: x ≈ low + step · q.
    private struct Rounded {
      let step, low: Float
      let q: [Int]

      init(_ row: some Collection<Float>) {
        let (least, most) = (row.min() ?? 0, row.max() ?? 0)
        let step = (most - least) / 127
        let inverse = step > 0 ? 1 / step : 0
        (self.step, low) = (step, least)
        q = row.map { Int(min(max(($0 - least) * inverse, 0), 127).rounded(.toNearestOrEven)) }
      }
    }

    @Test(arguments: [
      (1, 1, 1), (7, 13, 5), (4, 8, 16), (5, 27, 17), (49, 40, 24), (13, 64, 88), (3, 3072, 33),
      (0, 3, 2), (200, 770, 9), (1, 384, 100),
    ])
    func sumsAreThoseOfTheIntegers(rows: Int, inputs: Int, outputs: Int) {
      var numbers = SplitMix64(seed: 21)
      let x = numbers.matrix(rows, inputs, scale: 3)
      let weight = numbers.floats(outputs * inputs)
      let addend = numbers.matrix(rows, outputs, scale: 4)
      var layer = Linear(inputs: inputs, outputs: outputs)
      layer.weight.load(floats: weight, as: .integers)
      layer.bias = numbers.floats(outputs)
      let scales = (0..<outputs).map { output in
        (weight[output * inputs..<(output + 1) * inputs].map(abs).max() ?? 0) / 63
      }
      let integers = weight.indices.map {
        Int((weight[$0] * (1 / scales[$0 / inputs])).rounded(.toNearestOrEven))
      }
      #expect(
        layer.weight.floats == weight.indices.map { Float(integers[$0]) * scales[$0 / inputs] })

      var (expected, bounds) = ([Double](), [Double]())
      for row in 0..<rows {
        let rounded = Rounded(x[row: row])
        for output in 0..<outputs {
          let v = integers[output * inputs..<(output + 1) * inputs]
          let (scale, step) = (Double(scales[output]), Double(rounded.step))
          let sum = Double(zip(rounded.q, v).reduce(0) { $0 + $1.0 * $1.1 })
          let value = scale * (step * sum + Double(rounded.low) * Double(v.reduce(0, +)))
          expected.append(value + Double(layer.bias[output]))
          bounds.append(
            zip(x[row: row], v).reduce(0) {
              $0 + abs(Double($1.0)) * scale / 2 + abs(scale * Double($1.1)) * step / 2
            })
        }
      }
      let exact = Exact.linear(x, weight, layer.bias)
      for index in exact.indices {
        #expect(abs(expected[index] - exact[index]) <= bounds[index] * 1.0001 + 1e-6)
      }
      KernelBuild.withEach { _ in
        var y = Matrix()
        layer(x, into: &y)
        #expect(largestError(y.values, expected) < 1e-5)
        let sums = zip(expected, addend.values).map { $0 + Double($1) }
        layer(x, plus: addend, into: &y)
        #expect(largestError(y.values, sums) < 1e-5)
        layer(x, plus: addend, then: .relu6, into: &y)
        #expect(largestError(y.values, sums.map { min(max($0, 0), 6) }) < 1e-5)
        layer(x, plus: addend, then: .gelu, into: &y)
        #expect(largestError(y.values, sums.map { Exact.gelu(Float($0)) }) < 1e-5)
      }
    }

    /// 127 · 63 at every place: what would not fit 16 bits if one more were added.
    @Test(arguments: [1 as Float, -1]) func theLargestSumsDoNotSaturate(sign: Float) {
      var layer = Linear(inputs: 1024, outputs: 16)
      layer.weight.load(
        floats: [Float](repeating: 63 * sign, count: 1024 * 16), as: .integers)
      layer.bias = [Float](repeating: 0, count: 16)
      let x = Matrix(rows: 4, columns: 1024, values: (0..<4096).map { $0 % 1024 == 0 ? 0 : 127 })
      KernelBuild.withEach { _ in
        var y = Matrix()
        layer(x, into: &y)
        #expect(y.values.allSatisfy { $0 == sign * 1023 * 127 * 63 })
      }
    }

    @Test func equalNumbersAreExact() {
      var layer = Linear(inputs: 9, outputs: 2)
      layer.weight.load(floats: (0..<18).map { $0 < 9 ? 63 : 0 }, as: .integers)
      layer.bias = [0, 5]
      KernelBuild.withEach { _ in
        var y = Matrix()
        layer(Matrix(rows: 1, columns: 9, values: [Float](repeating: 2.5, count: 9)), into: &y)
        #expect(y.values == [9 * 63 * 2.5, 5])
      }
    }

    /// What is not a number, or not finite, is never rounded to one.
    @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 7, 12])
    func unsoundNumbersStayVisible(value: Float, place: Int) {
      var numbers = SplitMix64(seed: 22)
      var layer = Linear(inputs: 13, outputs: 3)
      let weight = numbers.floats(39)
      layer.weight.load(floats: weight, as: .integers)
      layer.bias = [0, 0, 0]
      var x = numbers.matrix(2, 13)
      x.values[place] = value
      KernelBuild.withEach { _ in
        var y = Matrix()
        layer(x, into: &y)
        #expect(y[row: 0].allSatisfy(\.isNaN) && y[row: 1].allSatisfy(\.isFinite))
      }
      var broken = weight
      broken[13 + place] = value
      layer.weight.load(floats: broken, as: .integers)
      KernelBuild.withEach { _ in
        var y = Matrix()
        layer(numbers.matrix(2, 13), into: &y)
        #expect(
          y.values.indices.allSatisfy { $0 % 3 == 1 ? y.values[$0].isNaN : y.values[$0].isFinite })
      }
    }
  }
}
