import FoundationEssentials
import Tensors
import TestSupport
import Testing

@testable import BLIP
@testable import Checkpoints

/// Checkpoints of every format, from pixels and tokens to embeddings and logits: what transformers
/// computes, and the same bits whatever the file.
@Suite(.ownsProcess) struct FormatParityTests {
  private static let folder = Checkout.fixtures(of: "CheckpointsTests")
  private let expected: Activations

  init() throws { expected = try Activations(path: Self.folder + "/expected.safetensors") }

  /// The model of a checkpoint file, converted; `model` is the folder that it was made from.
  private func convert(_ file: String, like model: String) throws -> ModelFolder {
    let out = TemporaryFolder().path + "/model"
    try ModelConversion(
      "\(Self.folder)/formats/\(file)", vocabulary: "\(Self.folder)/formats/\(model)/vocab.txt",
      standardVocabulary: ""
    ).write(to: out) { _ in }
    return try ModelFolder(path: out)
  }

  /// Every number that a search looks at.
  private func outputs(_ folder: ModelFolder) throws -> [Float] {
    let model = try BLIPModel(folder: folder)
    var all: [Float] = []
    let texts = try expected.texts("input_ids")
    let encodings = try (0..<2).map { try model.encode(pixels: expected.map("pixel_values", $0)) }
    for (index, encoding) in encodings.enumerated() {
      expectClose("features", encoding.features, try expected.matrix("features", index))
      all += encoding.embedding
    }
    expect(all, "image_embeddings")
    let embeddings = try model.embed(texts: texts).flatMap { $0 }
    expect(embeddings, "text_embeddings")
    let logits = try texts.flatMap {
      try model.match(text: $0, features: encodings.map(\.features)).flatMap {
        [$0.noMatch, $0.match]
      }
    }
    expect(logits, "itm_logits")
    return all + embeddings + logits
  }

  private func expect(_ values: [Float], _ name: String) {
    let error = (try? relativeError(values, expected.floats(name))) ?? .infinity
    #expect(error <= 1e-5, "\(name): relative error \(error)")
  }

  private func expectDecoder(_ folder: ModelFolder, features: String, logits: String) throws {
    let decoder = try BLIPModel(folder: folder, precision: .fp32, use: .captions).textDecoder()
    let text = try #require(try expected.texts("decoder_input_ids").first)
    for picture in 0..<2 {
      var state = decoder.begin([try expected.matrix(features, picture)], capacity: text.count)
      let rows = try decoder.logits(of: decoder([text], &state))
      expectClose("logits", rows, try expected.matrix(logits, picture), within: 1e-5)
    }
  }

  @Test func retrieval() throws {
    let reference = try outputs(ModelFolder(path: Self.folder + "/formats/retrieval"))
    let original = try convert("retrieval/original.pth", like: "retrieval")
    #expect(try outputs(original) == reference)
    let bins = TemporaryFolder()
    for file in ["config.json", "preprocessor_config.json", "vocab.txt", "pytorch_model.bin"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(bins.path)/\(file)",
        withDestinationPath: "\(Self.folder)/formats/retrieval/\(file)")
    }
    #expect(try outputs(ModelFolder(path: bins.path)) == reference)
  }

  @Test func captioning() throws {
    for folder in [
      try ModelFolder(path: Self.folder + "/formats/caption"),
      try convert("caption/original.pth", like: "caption"),
    ] {
      #expect(try ModelKind(of: folder) == .captioning)
      try expectDecoder(folder, features: "caption_features", logits: "caption_logits")
    }
  }

  @Test func preTraining() throws {
    let folder = try convert("pretraining.pth", like: "retrieval")
    #expect(try ModelKind(of: folder) == .both)
    _ = try outputs(folder)
    try expectDecoder(folder, features: "features", logits: "pretraining_logits")
  }

  @Test func theKindSaysWhatIsMissing() throws {
    #expect(try ModelKind(of: ModelFolder(path: Self.folder + "/formats/retrieval")) == .retrieval)
    #expect(try ModelKind(of: Models.standard.get().folder) == .both)
    let folder = TemporaryFolder()
    for file in ["config.json", "preprocessor_config.json"] {
      try FileManager.default.copyItem(
        atPath: "\(Self.folder)/formats/caption/\(file)", toPath: "\(folder.path)/\(file)")
    }
    folder.write(
      "model.safetensors", [0x02, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8))
    #expect { try ModelKind(of: ModelFolder(path: folder.path)) } throws: {
      "\($0)".contains("is missing")
    }
  }
}
