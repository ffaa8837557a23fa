import FoundationEssentials
import Tensors
import TestSupport
import Testing

@testable import BLIP
@testable import Checkpoints

/// Model folders that are not what their configuration says, and calls that make no sense: an error
/// that names what is wrong.
@Suite struct BadInputTests {
  /// The tiny model with another header before its tensors.
  private func open(
    editing file: String = "model.safetensors", _ edit: (String) -> String
  ) throws -> BLIPModel {
    let folder = try Models.tinyFolder()
    let path = "\(folder.path)/\(file)"
    let bytes = try #require(FileManager.default.contents(atPath: path))
    try FileManager.default.removeItem(atPath: path)
    if file == "model.safetensors" {
      let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let header = Array(edit(String(decoding: bytes[8..<8 + length], as: UTF8.self)).utf8)
      let newLength = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
      folder.write(file, newLength + header + bytes[(8 + length)...])
    } else {
      folder.write(file, edit(String(decoding: bytes, as: UTF8.self)).utf8)
    }
    return try BLIPModel(folder: ModelFolder(path: folder.path))
  }

  /// The error's text, if opening throws one.
  private func message(
    editing file: String = "model.safetensors", _ edit: (String) -> String
  ) -> String {
    do {
      _ = try open(editing: file, edit)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test func theFolderItselfOpens() throws {
    #expect(message { $0 } == "no error")
  }

  @Test(arguments: [
    "itm_head.bias", "vision_proj.weight", "text_encoder.embeddings.word_embeddings.weight",
    "vision_model.embeddings.position_embedding",
    "text_encoder.encoder.layer.1.crossattention.self.key.weight",
    "vision_model.encoder.layers.1.mlp.fc2.bias",
  ])
  func aMissingTensorIsNamed(name: String) {
    // What training leaves behind is passed over, so that only the missing one is wrong.
    let text = message { $0.replacing("\"\(name)\"", with: "\"\(name)_queue\"") }
    #expect(
      text.contains("\"\(name)\" is missing") && text.contains("model.safetensors"), "\(text)")
  }

  @Test func anUnusedTensorIsNamed() {
    let text = message {
      $0.replacing(
        "\"itm_head.bias\"",
        with: """
          "vision_model.surprise":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"itm_head.bias"
          """)
    }
    #expect(text.contains("vision_model.surprise"), "\(text)")
  }

  @Test func tensorsOfTheDecoderAndOfTrainingArePassedOver() {
    let text = message {
      $0.replacing(
        "\"itm_head.bias\"",
        with: """
          "text_decoder.bert.x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"itm_head.bias"
          """)
    }
    #expect(text == "no error", "\(text)")
  }

  @Test(arguments: [
    "text_proj.weight", "itm_head.weight", "vision_model.embeddings.class_embedding",
  ])
  func aWronglyShapedTensorIsNamed(name: String) {
    let text = message { header in
      guard let tensor = header.firstRange(of: "\"\(name)\""),
        let shape = header[tensor.upperBound...].firstRange(of: "\"shape\":[")?.upperBound
      else { return header }
      return header[..<shape] + "1," + header[shape...]
    }
    #expect(text.contains("\"\(name)\" has shape [1, "), "\(text)")
  }

  @Test func aStemThatCannotBeRunIsNamed() {
    let stem = """
      "patch_size": 16, "stem": {"layers": [{"kind": "depthwise", "in": 3, "out": 3, "kernel": 16, \
      "stride": 16, "pad": [0, 0, 0, 0]}]}
      """
    let text = message(editing: "config.json") {
      $0.replacing("\"patch_size\": 16", with: stem)
    }
    #expect(text.contains("stem.layers[0]") && text.contains("kernel of 16"), "\(text)")
  }

  @Test(arguments: [[], [Int32](repeating: 101, count: 65), [101, 30524, 102], [101, -1, 102]])
  func tokensWithoutAnEmbeddingAreRefused(text: [Int32]) throws {
    let model = try Models.tiny.get()
    #expect(throws: BLIPError.self) { try model.embed(texts: [[101, 102], text]) }
    #expect(throws: BLIPError.self) {
      try model.match(
        texts: [text.isEmpty ? text : [101] + text], features: Matrix(rows: 17, columns: 64))
    }
  }

  @Test func featuresOfAnotherModelAreRefused() throws {
    let model = try Models.tiny.get()
    for features in [Matrix(rows: 50, columns: 384), Matrix(rows: 0, columns: 64)] {
      #expect(throws: BLIPError.self) { try model.match(text: [101, 102], features: [features]) }
    }
  }
}
