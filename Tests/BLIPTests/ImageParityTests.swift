import FoundationEssentials
import Images
import Tensors
import Testing

@testable import BLIP

/// The image encoder against PyTorch, layer by layer, from the same normalised pixels.
@Suite struct ImageParityTests {
  /// Encodes picture `index` of the fixture and returns every stage under its name.
  private func run(_ model: BLIPModel, _ reference: Activations, _ index: Int) throws
    -> (stages: [String: Matrix], encoding: ImageEncoding)
  {
    var stages: [String: Matrix] = [:]
    let encoding = try model.encode(pixels: reference.map("pixel_values", index)) {
      stages[$0] = $1
    }
    return (stages, encoding)
  }

  @Test(arguments: [0, 1]) func tinyBLIPAsHuggingFace(picture: Int) throws {
    let reference = try Activations("blip-tiny-activations.safetensors")
    let (stages, encoding) = try run(Models.tiny.get(), reference, picture)
    let patches = try reference.map("vision.patch_conv", picture).pixels
    expectClose("patch embedding", try #require(stages["patches"]), patches)
    for stage in ["embeddings", "layer.0", "layer.1"] {
      expectClose(
        stage, try #require(stages[stage]), try reference.matrix("vision.\(stage)", picture))
    }
    expectClose(
      "features", encoding.features, try reference.matrix("vision.last_hidden_state", picture))
    let embedding = Array(try reference.floats("image_feat")[picture * 32..<(picture + 1) * 32])
    #expect(cosineDistance(encoding.embedding, embedding) <= 1e-5)
    #expect(abs(dot(encoding.embedding, encoding.embedding) - 1) <= 1e-5)
  }

  /// From the file: what Pillow resized, normalised here.
  @Test(arguments: [(0, "astronaut_64.png"), (1, "coffee_64.png")])
  func aPictureAsHuggingFace(index: Int, file: String) throws {
    let reference = try Activations("blip-tiny-activations.safetensors")
    let bytes = try #require(FileManager.default.contents(atPath: "\(fixtures)/\(file)"))
    let picture = try ImageDecoder().decode(Array(bytes), forSide: nil).picture
    let encoding = try Models.tiny.get().encode(picture)
    let embedding = Array(try reference.floats("image_feat")[index * 32..<(index + 1) * 32])
    #expect(cosineDistance(encoding.embedding, embedding) <= 1e-5)
  }

  @Test(arguments: [0, 1]) func theDefaultModelAsItsReference(picture: Int) throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let (stages, encoding) = try run(Models.standard.get(), reference, picture)
    expectClose(
      "stem", try #require(stages["stem"]), try reference.map("stem", picture).pixels)
    expectClose(
      "embeddings", try #require(stages["embeddings"]),
      try reference.matrix("embeddings", picture))
    for layer in 0..<3 {
      expectClose(
        "layer.\(layer)", try #require(stages["layer.\(layer)"]),
        try reference.matrix("vision.layer.\(layer)", picture))
    }
    expectClose(
      "features", encoding.features, try reference.matrix("vision.last_hidden_state", picture))
    let embedding = Array(
      try reference.floats("image_embedding")[picture * 256..<(picture + 1) * 256])
    #expect(cosineDistance(encoding.embedding, embedding) <= 1e-5)
  }
}
