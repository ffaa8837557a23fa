import Glibc
import TestSupport
import Testing
import TestSupport

@testable import Tensors

extension ChoiceOfKernels {
  /// Losses and the optimiser's pass against their formulas in double precision.
  @Suite struct LossTests {
    @Test(arguments: [2, 8, 19, 40], [0 as Float, 0.1])
    func crossEntropyOfClasses(classes: Int, smoothing: Float) {
      var numbers = SplitMix64(seed: 61)
      let logits = numbers.matrix(4, classes, scale: 6)
      let targets = (0..<4).map { Int32($0 * 7 % classes) }
      let soft = Exact.smoothed(targets, classes: classes, Double(smoothing))
      let exact = { (x: [Double]) in Exact.crossEntropy(x, soft, columns: classes) }
      let gradient = differences(at: logits.values, exact)
      KernelBuild.withEach { _ in
        var x = logits
        let loss = crossEntropy(&x, targets: targets, smoothing: smoothing)
        #expect(abs(loss - exact(logits.values.map(Double.init))) < 1e-6)
        #expect(largestError(x.values, gradient) < 1e-5)
      }
    }

    @Test(arguments: [3, 8, 43]) func crossEntropyOfSoftTargets(classes: Int) {
      var numbers = SplitMix64(seed: 62)
      let logits = numbers.matrix(3, classes, scale: 6)
      var targets = numbers.matrix(3, classes)
      softmax(&targets)
      let soft = targets.values.map(Double.init)
      let exact = { (x: [Double]) in Exact.crossEntropy(x, soft, columns: classes) }
      let gradient = differences(at: logits.values, exact)
      KernelBuild.withEach { _ in
        var x = logits
        let loss = crossEntropy(&x, targets: targets)
        #expect(abs(loss - exact(logits.values.map(Double.init))) < 1e-6)
        #expect(largestError(x.values, gradient) < 1e-5)
      }
    }

    /// torch.nn.CrossEntropyLoss(label_smoothing=0.1) of the same rows.
    @Test func crossEntropyIsPyTorchs() {
      var x = Matrix(rows: 2, columns: 3, values: [1, -2, 0.5, 3, 0, -1])
      #expect(abs(crossEntropy(&x, targets: [2, 0], smoothing: 0.1) - 0.68524039) < 1e-6)
    }

    @Test func extremeLogitsHaveFiniteLosses() {
      KernelBuild.withEach { _ in
        var x = Matrix(rows: 1, columns: 3, values: [1000, -1000, 0])
        #expect(crossEntropy(&x, targets: [1]) == 2000)
        #expect(zip(x.values, [1, -1, 0] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
      }
    }

    @Test(arguments: [1, 2, 5, 100]) func vocabularyLossIsExact(rowsAtATime: Int) {
      var numbers = SplitMix64(seed: 63)
      let (n, width, classes) = (5, 6, 21)
      let hidden = numbers.matrix(n, width, scale: 2)
      let (words, bias) = (numbers.floats(classes * width), numbers.floats(classes))
      let targets = (0..<n).map { Int32($0 * 8 % classes) }
      let soft = Exact.smoothed(targets, classes: classes, 0.1)
      let exact = { (h: [Double], w: [Double], b: [Double]) in
        Exact.crossEntropy(
          Exact.linear(h, weight: w, bias: b, inputs: width), soft, columns: classes)
      }
      let (h, w, b) = (
        hidden.values.map(Double.init), words.map(Double.init), bias.map(Double.init)
      )
      let dh = differences(at: hidden.values) { 0.5 * exact($0, w, b) }
      let dw = differences(at: words) { 0.5 * exact(h, $0, b) }
      let db = differences(at: bias) { 0.5 * exact(h, w, $0) }
      KernelBuild.withEach { _ in
        var (dHidden, dWords, dBias) = (Matrix(), words, bias)
        let vocabularyLoss = VocabularyLoss(
          words: words, bias: bias, targets: targets, smoothing: 0.1, rowsAtATime: rowsAtATime)
        let loss = vocabularyLoss(
          hidden, weight: 0.5, dHidden: &dHidden, dWords: &dWords, dBias: &dBias)
        #expect(vocabularyLoss(hidden) == loss)
        #expect(abs(loss - exact(h, w, b)) < 1e-6)
        #expect(largestError(dHidden.values, dh) < 1e-5)
        #expect(largestError(dWords, zip(w, dw).map { $0 + $1 }) < 1e-6)
        #expect(largestError(dBias, zip(b, db).map { $0 + $1 }) < 1e-6)
      }
    }

    @Test func aTargetThatIsNoClassStopsTheProgram() async {
      await #expect(processExitsWith: .failure) {
        var x = Matrix(rows: 1, columns: 3)
        _ = crossEntropy(&x, targets: [3])
      }
    }

    @Test func adamWIsItsFormula() {
      var numbers = SplitMix64(seed: 64)
      let start = numbers.floats(83)
      let gradients = (0..<4).map { _ in numbers.floats(83, scale: 0.1) }
      var (p, m, v) = (start.map(Double.init), [Double](repeating: 0, count: 83), [0.0])
      v = m
      for (number, gradient) in gradients.enumerated() {
        for index in p.indices {
          let g = 0.5 * Double(gradient[index])
          p[index] *= 1 - 0.01 * 0.05
          m[index] = 0.9 * m[index] + 0.1 * g
          v[index] = 0.999 * v[index] + 0.001 * g * g
          let corrected = (v[index] / (1 - pow(0.999, Double(number + 1)))).squareRoot()
          p[index] -= 0.01 / (1 - pow(0.9, Double(number + 1))) * m[index] / (corrected + 1e-8)
        }
      }
      KernelBuild.withEach { _ in
        var (values, first) = (start, [Float](repeating: 0, count: 83))
        var second = first
        for (number, gradient) in gradients.enumerated() {
          adamW(
            &values, gradient: gradient, first: &first, second: &second,
            AdamWStep(
              number: number + 1, learningRate: 0.01, weightDecay: 0.05, gradientScale: 0.5))
        }
        #expect(largestError(values, p) < 1e-6)
        #expect(largestError(first, m) < 1e-6)
        #expect(largestError(second, v) < 2e-5)
      }
    }

    /// torch.optim.AdamW(lr=0.1, weight_decay=0.05), two steps.
    @Test func adamWIsPyTorchs() {
      var (p, first, second): ([Float], [Float], [Float]) = ([1, -0.5], [0, 0], [0, 0])
      for (number, gradient) in ([[0.3, -2], [-0.1, 1e-5]] as [[Float]]).enumerated() {
        adamW(
          &p, gradient: gradient, first: &first, second: &second,
          AdamWStep(number: number + 1, learningRate: 0.1, weightDecay: 0.05))
      }
      #expect(zip(p, [0.850503206, -0.328507066] as [Float]).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test func averagesAndSums() {
      var numbers = SplitMix64(seed: 65)
      let (p, q) = (numbers.floats(9001), numbers.floats(9001))
      KernelBuild.withEach { _ in
        var average = p
        Tensors.average(&average, towards: q, keeping: 0.995)
        let exact = zip(p, q).map { 0.995 * Double($0) + 0.005 * Double($1) }
        #expect(largestError(average, exact) < 1e-6)
        let squares = p.reduce(0) { $0 + Double($1) * Double($1) }
        #expect(abs(sumOfSquares(p) - squares) < 1e-6 * squares)
        #expect(sumOfSquares([]) == 0)
      }
    }
  }
}
