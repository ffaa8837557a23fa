import FoundationEssentials
import TestSupport
import Testing

@Suite("blip model calibrate")
struct ModelCalibrateTests {
  private let collection = Collection(pictures: 4, captions: true)

  /// A folder of the default model whose configuration can be changed.
  private func model() throws -> String {
    let standard = Checkout.defaultModel
    let folder = TemporaryFolder()
    for file in ["model.safetensors", "preprocessor_config.json", "vocab.txt"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/\(file)", withDestinationPath: "\(standard)/\(file)")
    }
    folder.write("config.json", readBytes(standard + "/config.json"))
    return folder.path
  }

  private func calibrate(_ model: String, _ options: String...) -> Outcome {
    let captions = ["blue stripes", "a red wall", "green waves", "pink dots"]
    let records = captions.enumerated().map {
      "{\"image\": \"\(Collection.name($0))\", \"caption\": [\"\($1)\", \"a picture of \($1)\"]}"
    }
    let file = collection.folder.write(
      "captions.json", Array("[\(records.joined(separator: ","))]".utf8))
    return BlipProcess(
      [
        "model", "calibrate", model, file, "--images", collection.pictures, "--work",
        collection.folder.path + "/work",
      ] + options
    ).outcome()
  }

  private struct Facts: Decodable {
    struct Calibration: Decodable, Equatable {
      struct Kind: Decodable, Equatable {
        let reranked, by_cosine: [String: Float]
      }
      let sentences, phrases: Kind
      let hub_corrected: Bool
    }
    let fingerprint: String
    let calibration: Calibration?
  }

  private func facts(_ model: String) throws -> Facts {
    try #require(try blip("model", "show", model, "--json").objects(Facts.self).first)
  }

  @Test("measures a model, which keeps its fingerprint, and writes it into its configuration")
  func calibrated() throws {
    let model = try model()
    let before = try facts(model)
    let trial = calibrate(model, "--dry-run")
    #expect(trial.status == 0, "\(trial.errors)")
    #expect(trial.errors.contains("what words count stays as it was"))
    #expect(trial.output.contains("log-odds = ") && trial.output.contains("phrases, reranked"))
    #expect(try facts(model).calibration == before.calibration)

    let texts = collection.folder.write(
      "texts.txt", Array((0..<30).map { "a text of kind \($0)\n" }.joined().utf8))
    let outcome = calibrate(model, "--bank", texts, "--json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    let after = try facts(model)
    #expect(after.fingerprint == before.fingerprint)
    let calibration = try #require(after.calibration)
    #expect(calibration != before.calibration && calibration.hub_corrected)
    struct Printed: Decodable { let calibration: Facts.Calibration }
    #expect(try outcome.objects(Printed.self).first?.calibration == calibration)
    #expect(calibration.phrases.reranked.values.allSatisfy { $0.isFinite })

    collection.update("--model", model)
    let hits = try blip("search", "a red wall", "--index", collection.index, "--json")
      .objects(PictureLine.self)
    let probabilities = try hits.map { try #require($0.probability) }
    #expect(hits.count == 4 && probabilities == probabilities.sorted(by: >))
  }

  @Test("what cannot be is said, and the model stays as it is")
  func errors() throws {
    let model = try model()
    let before = readBytes(model + "/config.json")
    expectFailure(calibrate("/no/model"), mentions: "/no/model")
    expectFailure(calibrate(model, "--bank", "/no/texts"), mentions: "/no/texts")
    let few = collection.folder.write("few.txt", Array("one\ntwo\n".utf8))
    expectFailure(calibrate(model, "--bank", few), mentions: "2 texts")
    #expect(calibrate(model, "--bank", few, "--dry-run").status == 64)
    #expect(readBytes(model + "/config.json") == before)
  }
}
