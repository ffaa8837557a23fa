import TestSupport
import Testing
import TestSupport

@testable import Tensors

extension ChoiceOfKernels {
  /// Attention as it is trained, forward and backward, against its definition in double precision.
  @Suite struct AttentionGradientTests {
    struct Case: Sendable, CustomTestStringConvertible {
      let heads, size: Int
      let segments: [AttentionSegment]
      let causal: Bool
      let probability: Float

      var testDescription: String { "\(heads)×\(size) causal \(causal) dropout \(probability)" }
    }

    /// Sizes that fill vectors and that do not; keys that several segments share; more queries than
    /// are run at a time.
    static let cases: [Case] =
      [(2, 3), (1, 8), (2, 17)].flatMap { heads, size in
        [(false, 0 as Float), (true, 0), (false, 0.3), (true, 0.3)].map { causal, probability in
          Case(
            heads: heads, size: size,
            segments: [
              AttentionSegment(queries: 0..<3, keys: 0..<4),
              AttentionSegment(queries: 3..<4, keys: 4..<13),
              AttentionSegment(queries: 4..<8, keys: 0..<4),
            ], causal: causal, probability: probability)
        }
      } + [
        Case(
          heads: 1, size: 2, segments: [AttentionSegment(queries: 0..<53, keys: 0..<54)],
          causal: true, probability: 0.1)
      ]

    @Test(arguments: cases) func forwardAndBackwardAreExact(_ it: Case) {
      var numbers = SplitMix64(seed: 51)
      let shape = HeadShape(count: it.heads, width: it.heads * it.size)
      let width = shape.width
      let queries = it.segments.map(\.queries.upperBound).max() ?? 0
      let keys = it.segments.map(\.keys.upperBound).max() ?? 0
      let q = numbers.matrix(queries, width, scale: 2)
      let (k, v) = (numbers.matrix(keys, width), numbers.matrix(keys, width))
      let dContext = numbers.matrix(queries, width)
      let dropout = it.probability > 0 ? Dropout(probability: it.probability, key: 7) : nil
      // To the dropout, every query and head is a row, and every key of the segment a column.
      var factors = Matrix(
        rows: queries * it.heads, columns: 54,
        values: [Float](repeating: 1, count: queries * it.heads * 54))
      drop(&factors, dropout)
      let exact = { (q: [Double], k: [Double], v: [Double]) in
        Exact.attention(q, k, v, shape, it.segments, causal: it.causal, factors: factors)
      }
      let (q_, k_, v_) = (
        q.values.map(Double.init), k.values.map(Double.init), v.values.map(Double.init)
      )
      let expected = [
        differences(at: q.values) { loss(exact($0, k_, v_), dContext.values) },
        differences(at: k.values) { loss(exact(q_, $0, v_), dContext.values) },
        differences(at: v.values) { loss(exact(q_, k_, $0), dContext.values) },
      ]
      KernelBuild.withEach { _ in
        var context = Matrix()
        attend(
          AttentionOperands(
            queries: Heads(q), keys: Heads(k), values: Heads(v), shape, it.segments,
            causal: it.causal, dropout: dropout), into: &context)
        #expect(largestError(context.values, exact(q_, k_, v_)) < 1e-5)
        var found = [Matrix(rows: queries, columns: width), Matrix(rows: keys, columns: width)]
        found.append(found[1])
        var (dq, dk, dv) = (found[0], found[1], found[2])
        for times in [1.0, 2] {
          attendBackward(
            dContext,
            of: AttentionOperands(
              queries: Heads(q), keys: Heads(k), values: Heads(v), shape, it.segments,
              causal: it.causal, dropout: dropout), dQueries: &dq, dKeys: &dk, dValues: &dv)
          for (found, exact) in zip([dq, dk, dv], expected) {
            #expect(largestError(found.values, exact.map { times * $0 }) < 2e-5)
          }
        }
      }
    }

    @Test func queriesKeysAndValuesMayLieSideBySide() {
      var numbers = SplitMix64(seed: 52)
      let shape = HeadShape(count: 2, width: 16)
      let qkv = numbers.matrix(9, 48)
      let dContext = numbers.matrix(9, 16)
      let segments = [
        AttentionSegment(queries: 0..<4, keys: 0..<4),
        AttentionSegment(queries: 4..<9, keys: 4..<9),
      ]
      let (queries, keys, values) = (Heads(qkv), Heads(qkv, from: 16), Heads(qkv, from: 32))
      var (dq, dk, dv) = (
        Matrix(rows: 9, columns: 16), Matrix(rows: 9, columns: 16), Matrix(rows: 9, columns: 16)
      )
      attendBackward(
        dContext,
        of: AttentionOperands(queries: queries, keys: keys, values: values, shape, segments),
        dQueries: &dq, dKeys: &dk, dValues: &dv)
      var gradient = Matrix(rows: 9, columns: 48)
      attendBackward(dContext, of: qkv, shape, segments, gradient: &gradient)
      for row in 0..<9 {
        #expect(Array(gradient[row: row]) == Array(dq[row: row] + dk[row: row] + dv[row: row]))
      }
    }

    @Test func severalThreadsFindTheSame() {
      var numbers = SplitMix64(seed: 53)
      let shape = HeadShape(count: 4, width: 64)
      let qkv = numbers.matrix(200, 192)
      let dContext = numbers.matrix(200, 64)
      let segments = (0..<2).map {
        AttentionSegment(queries: 100 * $0..<100 * $0 + 100, keys: 0..<200)
      }
      let dropout = Dropout(probability: 0.1, key: 3)
      defer { setComputeThreads(processors) }
      let run = { (threads: Int) in
        setComputeThreads(threads)
        var (context, gradient) = (Matrix(), Matrix(rows: 200, columns: 192))
        attend(
          AttentionOperands(
            queries: Heads(qkv), keys: Heads(qkv, from: 64), values: Heads(qkv, from: 128), shape,
            segments, causal: true, dropout: dropout), into: &context)
        attendBackward(
          dContext, of: qkv, shape, segments, causal: true, dropout: dropout, gradient: &gradient)
        return [context, gradient]
      }
      #expect(run(1) == run(4))
    }
  }

  @Suite struct DropoutTests {
    private func dropped(_ probability: Float, key: UInt64, rows: Int = 300) -> Matrix {
      var x = Matrix(
        rows: rows, columns: 100, values: [Float](repeating: 1, count: rows * 100))
      drop(&x, Dropout(probability: probability, key: key))
      return x
    }

    @Test(arguments: [0.1 as Float, 0.5, 0.9]) func dropsItsShareAndScalesTheRest(p: Float) {
      let x = dropped(p, key: 1)
      #expect(Set(x.values) == [0, 1 / (1 - p)])
      let share = Float(x.values.count { $0 == 0 }) / Float(x.values.count)
      // Five standard deviations of so many independent choices.
      #expect(abs(share - p) < 5 * (p * (1 - p) / 30_000).squareRoot())
    }

    /// As often as chance has it, two choices agree: of neighbours, and of two keys.
    @Test func choicesAreIndependent() {
      let (one, other) = (dropped(0.5, key: 1), dropped(0.5, key: 2))
      let agreement = { (a: ArraySlice<Float>, b: ArraySlice<Float>) in
        abs(Float(zip(a, b).count { $0 == $1 }) / Float(min(a.count, b.count)) - 0.5)
      }
      #expect(agreement(one.values[...], other.values[...]) < 0.015)
      for distance in [1, 2, 7, 8, 100, 101, 800] {
        #expect(agreement(one.values[...], one.values[distance...]) < 0.015, "\(distance)")
      }
    }

    /// On every processor, and however the rows are divided.
    @Test func isAFunctionOfKeyAndPlace() {
      defer { setComputeThreads(processors) }
      let rows = 5000
      setComputeThreads(1)
      let first = dropped(0.1, key: 9, rows: rows)
      setComputeThreads(4)
      #expect(dropped(0.1, key: 9, rows: rows) == first)
      KernelBuild.withEach { _ in
        #expect(dropped(0.1, key: 9, rows: rows) == first)
      }
    }

    @Test func noProbabilityDropsNothing() {
      let x = Matrix(rows: 2, columns: 3, values: [1, 2, 3, 4, 5, 6])
      var y = x
      drop(&y, nil)
      drop(&y, Dropout(probability: 0, key: 1))
      #expect(y == x)
    }
  }
}
