import Checkpoints
import Tensors
import Testing

@testable import BLIP

/// What the precisions give against fp32, and what may be left out.
@Suite struct PrecisionTests {
  /// The least cosine of embeddings to those of fp32, and the largest difference of an ITM logit.
  struct Bound: Sendable {
    var precision: Precision
    var cosine: Double
    var logit: Float
  }

  @Test func autoIsWhatTheProcessorIsFastAtAndExactIn() throws {
    let expected: Precision = KernelBuild.best == .avx512 ? .bf16 : .fp32
    #expect(try BLIPModel(folder: Models.tiny.get().folder, precision: .auto).precision == expected)
    #expect(Precision.allCases.map(\.rawValue) == ["fp32", "bf16", "int8", "auto"])
  }

  @Test(arguments: [
    Bound(precision: .bf16, cosine: 0.9995, logit: 0.05),
    Bound(precision: .int8, cosine: 0.999, logit: 0.05),
  ])
  func tinyBLIPIsNearFP32(bound: Bound) throws {
    let reference = try Activations("blip-tiny-activations.safetensors")
    try compare(
      Models.tiny.get(), bound, pictures: (0..<2).map { try reference.map("pixel_values", $0) },
      texts: try reference.texts("input_ids_pad35"))
  }

  @Test(arguments: [
    Bound(precision: .bf16, cosine: 0.9995, logit: 0.05),
    Bound(precision: .int8, cosine: 0.99, logit: 0.5),
  ])
  func theDefaultModelIsNearFP32(bound: Bound) throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    try compare(
      Models.standard.get(), bound,
      pictures: (0..<2).map { try reference.map("pixel_values", $0) },
      texts: try reference.texts("input_ids"))
  }

  private func compare(
    _ exact: BLIPModel, _ bound: Bound, pictures: [FeatureMap], texts: [[Int32]]
  ) throws {
    let rounded = try BLIPModel(folder: exact.folder, precision: bound.precision)
    #expect(rounded.precision == bound.precision)
    for (a, b) in zip(try exact.embed(texts: texts), try rounded.embed(texts: texts)) {
      #expect(cosineDistance(a, b) <= 1 - bound.cosine, "\(cosineDistance(a, b))")
    }
    for pixels in pictures {
      let (a, b) = (try exact.encode(pixels: pixels), try rounded.encode(pixels: pixels))
      #expect(
        cosineDistance(a.embedding, b.embedding) <= 1 - bound.cosine,
        "\(cosineDistance(a.embedding, b.embedding))")
      let logits = (
        try exact.match(texts: texts, features: a.features),
        try rounded.match(texts: texts, features: b.features)
      )
      for (a, b) in zip(logits.0, logits.1) {
        let difference = max(abs(a.match - b.match), abs(a.noMatch - b.noMatch))
        #expect(difference <= bound.logit)
      }
    }
  }

  @Test(arguments: [0, 1]) func theEmbeddingAloneIsTheSame(picture: Int) throws {
    let reference = try Activations("blip-tiny-activations.safetensors")
    let pixels = try reference.map("pixel_values", picture)
    let model = try Models.tiny.get()
    let (all, first) = (
      try model.encode(pixels: pixels), try model.encode(pixels: pixels, keepsFeatures: false)
    )
    #expect(cosineDistance(all.embedding, first.embedding) <= 1e-6)
    #expect(first.features.rows == 1 && all.features.rows > 1)
    expectClose("[CLS]", first.features, all.features.rows(0..<1))
  }
}
