import TestSupport
import Testing

@testable import Checkpoints

/// The same weights in every supported format give bit-identical tensors.
@Suite struct FormatTests {
  private typealias Fixtures = CheckpointFixtures

  private let reference: Weights

  init() throws { reference = try Weights(file: Fixtures.retrieval + "/model.safetensors") }

  @Test(arguments: [
    ["model.safetensors"],
    [
      "model.safetensors.index.json", "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
    ],
    ["pytorch_model.bin"],
    [
      "pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin",
      "pytorch_model-00002-of-00002.bin",
    ],
  ])
  func aFolderOfAnyFormat(files: [String]) throws {
    let folder = try Fixtures.folder(Fixtures.retrieval, files)
    let model = try ModelFolder(path: folder.path)
    #expect(model.weights.contents == reference.contents)
    #expect(model.weights.source == "\(folder.path)/\(files[0])")
    let safetensors = try Fixtures.folder(Fixtures.retrieval, ["model.safetensors"])
    #expect(model.fingerprint == (try ModelFolder(path: safetensors.path)).fingerprint)
  }

  @Test func halves() throws {
    let folder = try Fixtures.folder(Fixtures.retrieval, [])
    folder.write("pytorch_model.bin", try Fixtures.bytes(Fixtures.retrieval + "/half.bin"))
    let weights = try Weights(folder: folder.path)
    #expect(weights.names == reference.names)
    for name in weights.names {
      let shape = try #require(weights.shape(of: name))
      #expect(
        try weights.floats(name, shape: shape)
          == reference.floats(name, shape: shape).map { Float(Float16($0)) })
    }
  }

  @Test func originalNames() throws {
    let path = "\(Fixtures.retrieval)/original.pth"
    var contents = try Weights(source: path, model: readPyTorch(path)).contents
    // BLIP stores its temperature with the weights.
    #expect(contents.removeValue(forKey: "temp") != nil)
    #expect(contents == reference.contents)
  }

  @Test func theLastLayerOfACaptionCheckpointIsTied() throws {
    let reference = try Weights(file: Fixtures.caption + "/model.safetensors").contents
    for file in ["pytorch_model.bin", "original.pth"] {
      let stored = try readPyTorch("\(Fixtures.caption)/\(file)")
      #expect(stored["text_decoder.cls.predictions.decoder.weight"] != nil)
      #expect(try Weights(source: file, model: stored).contents == reference)
    }
  }

  @Test func tensorsSharedByEncoderAndDecoderAreKeptOnce() throws {
    let path = Fixtures.path + "/formats/pretraining.pth"
    var stored = try readPyTorch(path)
    let copies = stored.keys.filter {
      $0.hasPrefix("text_decoder.bert.") && !$0.contains(".attention.")
    }
    #expect(copies.count > 30)
    let weights = try Weights(source: path, model: stored)
    for name in weights.names where name.hasPrefix("text_decoder.") {
      #expect(name.contains(".attention.") || name.hasPrefix("text_decoder.cls."))
    }
    for (name, contents) in reference.contents { #expect(weights.contents[name] == contents) }

    // If one differs they are not tied, and all are kept.
    let norm = "text_decoder.bert.embeddings.LayerNorm."
    stored[norm + "bias"] = stored[norm + "weight"]
    let untied = try Weights(source: path, model: stored)
    #expect(
      copies.filter { untied.shape(of: $0) == nil }.allSatisfy { $0.contains("position_ids") })
  }

  @Test func safetensorsArePreferred() throws {
    let folder = try Fixtures.folder(Fixtures.retrieval, ["model.safetensors"])
    folder.write("pytorch_model.bin", [1, 2, 3])
    #expect(try Weights(folder: folder.path).contents == reference.contents)
  }

  @Test func trainingStateIsOmitted() throws {
    let folder = TemporaryFolder()
    let names = [
      "a", "temp", "queue_ptr", "image_queue", "vision_proj_m.weight",
      "text_encoder_m.encoder.layer.0.output.dense.weight",
      "text_encoder.embeddings.position_ids",
    ]
    folder.write("model.safetensors", safetensors(names.map { ($0, "F32", [1], bytes([1])) }))
    #expect(try Weights(folder: folder.path).names == ["a", "temp"])
  }

  @Test func aTensorUnderBothNamesIsRejected() throws {
    let folder = TemporaryFolder()
    let names = ["visual_encoder.norm.bias", "vision_model.post_layernorm.bias"]
    folder.write("model.safetensors", safetensors(names.map { ($0, "F32", [1], bytes([1])) }))
    #expect {
      try Weights(folder: folder.path)
    } throws: {
      "\($0)".contains("\"vision_model.post_layernorm.bias\" occurs twice")
    }
  }

  @Test func missingWeightsAreNamed() throws {
    let folder = try Fixtures.folder(Fixtures.retrieval, [])
    #expect {
      try ModelFolder(path: folder.path)
    } throws: {
      "\($0)".contains("neither model.safetensors nor pytorch_model.bin")
    }
    #expect {
      try ModelFolder(path: Fixtures.retrieval + "/original.pth")
    } throws: {
      "\($0)".contains("convert a checkpoint file")
    }
  }

  @Test(arguments: ["../pytorch_model.bin", "model-1.safetensors", "a\0.bin", ""])
  func aShardOutsideTheFolderIsRejected(shard: String) throws {
    let folder = try Fixtures.folder(Fixtures.retrieval, [])
    folder.write(
      "pytorch_model.bin.index.json", "{\"weight_map\": {\"w\": \(jsonString(shard))}}".utf8)
    #expect {
      try Weights(folder: folder.path)
    } throws: {
      "\($0)".contains("not the name of a bin file beside it")
    }
  }
}
