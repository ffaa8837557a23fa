import Testing
import TestSupport

@testable import Tensors

@Suite struct AttentionTests {
  /// Two texts, one of them looking at both halves of 9 rows: the general case of segments.
  private let segments = [
    AttentionSegment(queries: 0..<3, keys: 0..<4), AttentionSegment(queries: 3..<4, keys: 4..<9),
    AttentionSegment(queries: 4..<6, keys: 0..<4),
  ]
  private let heads = HeadShape(count: 3, width: 12)

  /// softmax(q·kᵀ/√size)·v as its definition says.
  private func exact(_ q: Matrix, _ k: Matrix, _ v: Matrix) -> [Double] {
    var context = [Double](repeating: 0, count: q.rows * 12)
    for segment in segments {
      for query in segment.queries {
        for head in 0..<3 {
          let columns = head * 4..<head * 4 + 4
          let scores = segment.keys.map { key in
            columns.reduce(Float(0)) { $0 + q.values[query * 12 + $1] * k.values[key * 12 + $1] }
          }
          for (p, key) in zip(Exact.softmax(scores, scale: 0.5), segment.keys) {
            for column in columns {
              context[query * 12 + column] += p * Double(v.values[key * 12 + column])
            }
          }
        }
      }
    }
    return context
  }

  @Test func attentionIsExact() {
    var numbers = SplitMix64(seed: 10)
    let (q, k, v) = (numbers.matrix(6, 12), numbers.matrix(9, 12), numbers.matrix(9, 12))
    var context = Matrix()
    attend(
      AttentionOperands(queries: Heads(q), keys: Heads(k), values: Heads(v), heads, segments),
      into: &context)
    #expect(largestError(context.values, exact(q, k, v)) < 1e-5)
  }

  @Test func headsMayLieInOneMatrix() {
    var numbers = SplitMix64(seed: 11)
    let qkv = numbers.matrix(5, 36)
    let part = { (first: Int) in
      Matrix(
        rows: 5, columns: 12,
        values: (0..<5).flatMap { qkv[row: $0].dropFirst(first).prefix(12) })
    }
    let whole = [AttentionSegment(queries: 0..<5, keys: 0..<5)]
    var (together, apart) = (Matrix(), Matrix())
    attend(
      AttentionOperands(
        queries: Heads(qkv), keys: Heads(qkv, from: 12), values: Heads(qkv, from: 24), heads, whole),
      into: &together)
    attend(
      AttentionOperands(
        queries: Heads(part(0)), keys: Heads(part(12)), values: Heads(part(24)), heads, whole),
      into: &apart)
    #expect(together == apart)
  }

  @Test func foldedAttentionIsTheSame() {
    var numbers = SplitMix64(seed: 12)
    let (q, rows) = (numbers.matrix(6, 12), numbers.matrix(9, 20))
    var key = Linear(inputs: 20, outputs: 12)
    key.weight.floats = numbers.floats(240)
    key.bias = numbers.floats(12)
    var value = key
    value.weight.floats = numbers.floats(240)
    value.bias = numbers.floats(12)
    var (k, v, context) = (Matrix(), Matrix(), Matrix())
    key(rows, into: &k)
    value(rows, into: &v)
    let folded = FoldedAttention(heads, key: key, value: value)
    var activations = FoldedAttention.Activations()
    folded(
      queries: q, over: folded.pack(rows, parts: segments.map(\.keys)), segments, &activations,
      into: &context)
    #expect(largestError(context.values, exact(q, k, v)) < 1e-5)
  }

  /// Packed once or at every call, the same numbers.
  @Test(arguments: [false, true]) func packedHeadsAreTheSame(rounding: Bool) {
    var numbers = SplitMix64(seed: 13)
    let (q, k, v) = (numbers.matrix(6, 12), numbers.matrix(9, 12), numbers.matrix(9, 12))
    let parts = [4..<9, 0..<4]
    let packed = PackedHeads(
      keys: Heads(k), values: Heads(v), heads, parts: parts, rounding: rounding)
    var (once, again) = (Matrix(), Matrix())
    attend(queries: Heads(q), over: packed, segments, into: &once)
    attend(
      AttentionOperands(queries: Heads(q), keys: Heads(k), values: Heads(v), heads, segments),
      rounding: rounding, into: &again)
    #expect(once == again)
  }

  @Test func keysThatWereNotPackedStopTheProgram() async {
    await #expect(processExitsWith: .failure) {
      let x = Matrix(rows: 4, columns: 4)
      let packed = PackedHeads(
        keys: Heads(x), values: Heads(x), HeadShape(count: 1, width: 4), parts: [0..<2])
      var context = Matrix()
      attend(
        queries: Heads(x), over: packed, [AttentionSegment(queries: 0..<2, keys: 0..<3)],
        into: &context)
    }
  }

  @Test func aSegmentOutsideStopsTheProgram() async {
    await #expect(processExitsWith: .failure) {
      let x = Matrix(rows: 2, columns: 4)
      var context = Matrix()
      attend(
        AttentionOperands(
          queries: Heads(x), keys: Heads(x), values: Heads(x), HeadShape(count: 1, width: 4),
          [AttentionSegment(queries: 0..<2, keys: 0..<3)]), into: &context)
    }
  }
}
