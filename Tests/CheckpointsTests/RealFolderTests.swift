import Testing
import TestSupport

@testable import Checkpoints

@Suite struct RealFolderTests {
  @Test func theDefaultModel() throws {
    let model = try ModelFolder(path: Checkout.defaultModel)
    #expect(model.name == "blip-mini")
    let (vision, text) = (model.configuration.vision, model.configuration.text)
    #expect(vision.imageSize == 224 && vision.patchSize == 32 && vision.heads == 6)
    #expect(vision.layerNormEpsilon == 1e-6 && vision.stem?.last?.outputs == 1280)
    #expect(text.hiddenSize == 384 && text.heads == 12 && text.layers == 6)
    #expect(model.preprocessing.mean == [0.485, 0.456, 0.406])
    let table = "text_encoder.embeddings.word_embeddings.weight"
    let words = try model.weights.floats(table, shape: [30524, 384])
    #expect(
      try model.weights.rows(table, [30523, 101], shape: [30524, 384])
        == Array(words[30523 * 384..<30524 * 384] + words[101 * 384..<102 * 384]))
    #expect(words.allSatisfy(\.isFinite) && words.contains { $0 != 0 })
    #expect(!model.weights.names.contains { $0.hasSuffix("_scale") })
  }

  @Test(
    .enabled(
      if: Checkout.has(Checkout.shared + "/fixtures"),
      "needs ../shared/fixtures, tiny models that Hugging Face saved"),
    arguments: ["blip-tiny", "blip-tiny-caption"])
  func theTinyModels(name: String) throws {
    let model = try ModelFolder(path: "\(Checkout.shared)/fixtures/\(name)")
    #expect(model.configuration.vision.hiddenSize == 64 && model.configuration.text.heads == 4)
    #expect(model.configuration.embeddingSize == 32 && model.preprocessing.imageSize == 64)
    #expect(model.weights.shape(of: "vision_model.embeddings.position_embedding") == [1, 17, 64])
  }
}
