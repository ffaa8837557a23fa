import Tensors
import TestSupport
import Testing

@testable import BLIP

/// The maps of words in pictures: against PyTorch's autograd and finite differences, and what the words are.
@Suite struct ExplanationTests {
  /// A model whose weights are integers with scales, unpacked for the backward pass.
  @Test(arguments: [0, 1], ExplanationMethod.Weighting.allCases)
  func mapsAsPyTorch(pair: Int, weighting: ExplanationMethod.Weighting) throws {
    let model = try Models.standard.get()
    let reference = try Activations("explanation.safetensors")
    let features = try Activations("blip-mini-activations.safetensors")
      .matrix("vision.last_hidden_state", pair)
    let tokens = try reference.texts("input_ids.\(pair)")[0]
    // Row 0 is [ENC]. No gradient reaches the last layer's attention of another token.
    for layer in 0..<6 {
      let maps = try model.crossAttentionMaps(
        of: tokens, features: features,
        method: ExplanationMethod(layers: layer...layer, weighting: weighting))
      expectClose(
        "layer \(layer)", maps.tokens,
        try reference.matrix("\(weighting.rawValue).\(pair).\(layer)", 0), within: 2e-3)
      expectClose(
        "layer \(layer)", maps.logits, try reference.floats("itm_logits.\(pair)")[...])
    }
  }

  @Test func severalLayersAddUp() throws {
    let model = try Models.tiny.get()
    let features = try pictureFeatures()
    func maps(_ layers: ClosedRange<Int>) throws -> [Float] {
      try model.crossAttentionMaps(
        of: [101, 1037, 3899, 102], features: features,
        method: ExplanationMethod(layers: layers, weighting: .gradient)
      ).tokens.values
    }
    let sum = zip(try maps(0...0), try maps(1...1)).map(+)
    #expect(relativeError(try maps(0...1), sum) < 1e-5)
  }

  /// The gradient of a head's probabilities, by which a sum of what the head gives changes with them.
  @Test func probabilityGradientsAsFiniteDifferences() {
    let (queries, keys, shape) = (3, 5, HeadShape(count: 2, width: 8))
    func numbers(_ rows: Int, _ seed: Float) -> Matrix {
      Matrix(
        rows: rows, columns: 8,
        values: (0..<8 * rows).map { ((Float($0) * 0.37 + seed) * 2.3).sine })
    }
    let (q, k, v, d) = (
      numbers(queries, 1), numbers(keys, 2), numbers(keys, 3), numbers(queries, 4)
    )
    let segment = AttentionSegment(queries: 0..<queries, keys: 0..<keys)
    for head in 0..<2 {
      let map = AttentionMap(
        of: AttentionOperands(
          queries: Heads(q), keys: Heads(k), values: Heads(v), shape, [segment]),
        d, segment: segment, head: head)
      for query in 0..<queries {
        #expect(abs(map.probabilities[row: query].reduce(0, +) - 1) < 1e-5)
        func output(_ probabilities: [Float]) -> Float {
          (0..<4).reduce(0) { sum, column in
            let context = (0..<keys).reduce(Float(0)) {
              $0 + probabilities[$1] * v.values[$1 * 8 + head * 4 + column]
            }
            return sum + context * d.values[query * 8 + head * 4 + column]
          }
        }
        let probabilities = Array(map.probabilities[row: query])
        for key in 0..<keys {
          var (more, less) = (probabilities, probabilities)
          more[key] += 0.05
          less[key] -= 0.05
          let slope = (output(more) - output(less)) / 0.1
          #expect(abs(slope - map.gradient.values[query * keys + key]) < 1e-3)
        }
      }
    }
  }

  @Test func wordsAndTheirTokens() throws {
    let model = try Models.standard.get()
    let text = "A dog's  T-shirt, \"Über\" 2 skateboarders… 😀 it!"
    let tokens = model.tokens(of: text)
    let words = model.words(of: text, as: tokens)
    #expect(words.map(\.text) == ["A", "dog's", "T-shirt", "Über", "2", "skateboarders", "it"])
    for word in words {
      let utf16 = Array(text.utf16)[word.range]
      #expect(String(decoding: utf16, as: UTF16.self) == word.text)
    }
    #expect(words[1].tokens.count == 3 && words[0].tokens == 1..<2)
    #expect(words.last.map { $0.tokens.upperBound } == tokens.count - 1)
  }

  @Test func whatIsCutOffHasNoMap() throws {
    let model = try Models.standard.get()
    let text = Array(repeating: "dog", count: 60).joined(separator: " ")
    let words = model.words(of: text, as: model.tokens(of: text))
    #expect(words.count == 30)
  }

  @Test func weightsAreFractions() throws {
    let model = try Models.standard.get()
    let features = try Activations("blip-mini-activations.safetensors")
      .matrix("vision.last_hidden_state", 0)
    let explanation = try model.explain(text: "a woman in an orange suit", features: features)
    #expect(explanation.words.map(\.text) == ["a", "woman", "in", "an", "orange", "suit"])
    #expect(explanation.rows == 7 && explanation.columns == 7)
    for word in explanation.words {
      #expect(word.weights.count == 49 && word.weights.max() == 1 && word.weights.min()! >= 0)
    }
    #expect(explanation.words.map(\.strength).max() == 1)
    let match = try model.match(
      text: model.tokens(of: "a woman in an orange suit"), features: [features])[0]
    #expect(abs(explanation.logits.match - match.match) < 1e-2)
  }

  @Test func wrongFeaturesAndLayersAreErrors() throws {
    let model = try Models.tiny.get()
    #expect(throws: BLIPError.self) {
      try model.explain(text: "a dog", features: Matrix(rows: 3, columns: 32))
    }
    let features = try pictureFeatures()
    #expect(throws: BLIPError.self) {
      try model.explain(
        text: "a dog", features: features, method: ExplanationMethod(layers: 1...7))
    }
  }

  /// Of the tiny model.
  private func pictureFeatures() throws -> Matrix {
    try Activations("blip-tiny-activations.safetensors").matrix("vision.last_hidden_state", 0)
  }
}

extension Float {
  /// Numbers that look random.
  fileprivate var sine: Float {
    let x = truncatingRemainder(dividingBy: 3.1)
    return x - x * x * x / 6 + x * x * x * x * x / 120
  }
}
