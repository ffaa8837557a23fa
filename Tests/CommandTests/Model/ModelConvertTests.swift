import Glibc
import TestSupport
import Testing

@Suite("blip model")
struct ModelConvertTests {
  private static let formats = Checkout.root + "/Tests/CheckpointsTests/Fixtures/formats"

  private struct Shown: Decodable {
    struct ImageEncoder: Decodable {
      let name: String
      let image_size: Int
    }
    let kind: String
    let image_encoder: ImageEncoder
    let parameters: Int
    let words: Int?
    let fingerprint: String
    let weights: String
  }

  private func show(_ arguments: String...) throws -> Shown {
    let outcome = BlipProcess(["model", "show"] + arguments + ["--json"]).outcome()
    return try #require(outcome.objects(Shown.self).first, "\(outcome.errors)")
  }

  @Test("The model that comes with blip, for people and for programs")
  func standard() throws {
    let shown = try show()
    #expect(shown.kind == "both" && shown.words == 30524 && shown.fingerprint.count == 64)
    #expect(shown.parameters > 40_000_000 && shown.image_encoder.image_size == 224)
    let text = blip("model", "show")
    #expect(text.status == 0 && text.errors.isEmpty)
    #expect(
      text.output.contains("retrieval and captioning") && text.output.contains("40.7 million"))
  }

  @Test("An original checkpoint becomes a folder that pictures are indexed and found with")
  func original() throws {
    let collection = Collection(pictures: 2)
    let model = collection.folder.path + "/model"
    let file = Self.formats + "/retrieval/original.pth"
    let outcome = blip(
      "model", "convert", file, "--out", model, "--vocab", Self.formats + "/retrieval/vocab.txt")
    #expect(outcome.status == 0 && outcome.output.contains("ViT/8, 32 px"), "\(outcome.errors)")
    #expect(try show(model).kind == "retrieval")
    #expect(collection.update("--model", model).status == 0)
    let hits = try blip("search", "abc", "--index", collection.index, "--json")
      .objects(PictureLine.self)
    #expect(hits.count == 2 && hits.allSatisfy { $0.itm != nil })

    // There already: nothing is written over.
    expectFailure(blip("model", "convert", file, "--out", model), mentions: model, "give a new")
  }

  @Test("A folder of which only pytorch_model.bin is there is a model like any other")
  func bins() throws {
    let collection = Collection(pictures: 2)
    let model = collection.folder.path + "/model"
    mkdir(model, 0o755)
    for name in ["config.json", "preprocessor_config.json", "vocab.txt", "pytorch_model.bin"] {
      symlink("\(Self.formats)/retrieval/\(name)", "\(model)/\(name)")
    }
    let outcome = collection.update("--model", model)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let safetensors = Self.formats + "/retrieval"
    // The same weights in another format are the model that the index was made with.
    let hits = try blip(
      "search", "abc", "--index", collection.index, "--model", safetensors, "--json"
    ).objects(PictureLine.self)
    #expect(hits.count == 2)
    #expect(try show(model).fingerprint == show(safetensors).fingerprint)
    #expect(try show(model).weights.hasSuffix("/pytorch_model.bin"))
  }

  @Test("What is no checkpoint of tensors is refused in one line")
  func refused() {
    let folder = TemporaryFolder()
    let out = folder.path + "/out"
    let hostile = Checkout.root + "/Tests/CheckpointsTests/Fixtures/hostile/system-2.bin"
    expectFailure(
      blip("model", "convert", hostile, "--out", out), mentions: hostile, "posix.system",
      "no code is run")
    expectFailure(blip("model", "convert", "/none.pth", "--out", out), mentions: "/none.pth")
    // BERT's vocabulary does not fit a tiny model.
    expectFailure(
      blip("model", "convert", Self.formats + "/retrieval/original.pth", "--out", out),
      mentions: "--vocab")
    expectFailure(blip("model", "show", folder.path), mentions: folder.path, "config.json")
    #expect(access(out, F_OK) != 0)
    #expect(blip("model", "convert", hostile).status == 64)
    #expect(blip("model", "convert", hostile, "--out", out, "--image-size", "0").status == 64)
  }
}
