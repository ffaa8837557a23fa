import Glibc
import TestSupport
import Testing

@Suite("Models that do not fit")
struct ModelTests {
  @Test("A missing tensor is named, with the folder")
  func missingTensor() throws {
    let collection = Collection(pictures: 1)
    let model = try copyModel(in: collection) {
      $0.replaceFirst("\"text_proj.bias\"", by: "\"text_proj.bios\"")
    }
    expectFailure(collection.update("--model", model), mentions: "text_proj.bias", model)
    #expect(!Checkout.has(collection.index + "/data.mdb"))
  }

  @Test("A header that lies about offsets is refused")
  func lyingHeader() throws {
    let collection = Collection(pictures: 1)
    let model = try copyModel(in: collection) {
      // The first tensor's data begins beyond the file.
      $0.replaceFirst("\"data_offsets\":[", by: "\"data_offsets\":[99999999999")
    }
    expectFailure(collection.update("--model", model), mentions: model)
  }

  @Test("A folder that is no model is named")
  func noModel() {
    let collection = Collection(pictures: 1)
    expectFailure(
      collection.update("--model", collection.pictures), mentions: collection.pictures)
    expectFailure(collection.update("--model", "/none/m"), mentions: "/none/m")
  }

  @Test(
    "A search with another model is refused, naming both; an index of it takes the old one's place")
  func otherModel() throws {
    let tiny = TinyModel.retrieval.path
    let shared = Shared.collection
    expectFailure(
      blip("search", "a wall", "--index", shared.index, "--model", tiny), mentions: "blip-mini",
      "blip-tiny", shared.index)
    let collection = Collection(pictures: 2)
    let captions = collection.add("c.csv", Array("image,caption\npicture-01.jpg,a wall\n".utf8))
    collection.update("--captions", captions, "--name", "walls")
    let outcome = collection.update("--model", tiny)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      outcome.errors.contains("built with blip-mini: building a new one with blip-tiny"))
    let info = try collection.info()
    #expect(info.model.name == "blip-tiny" && info.name == "walls")
    #expect(info.pictures == 2 && info.texts == 1)
    #expect(access(collection.index + ".new", F_OK) != 0)
    #expect(try collection.info().features == "bf16")
    let hits = try blip("search", "a wall", "--index", collection.index, "--json")
      .objects(PictureLine.self)
    #expect(hits.count == 2 && hits.allSatisfy { $0.itm != nil })
    collection.add("new.jpg", Drawing.jpeg(9))
    #expect(collection.update().status == 0)
    #expect(try collection.info().model.name == "blip-tiny")
  }

  /// The default model with another header of its weights.
  private func copyModel(
    in collection: Collection, changing change: (inout String) -> Void
  ) throws -> String {
    let model = collection.folder.path + "/model"
    mkdir(model, 0o755)
    for name in ["config.json", "preprocessor_config.json", "vocab.txt"] {
      symlink("\(Checkout.defaultModel)/\(name)", "\(model)/\(name)")
    }
    let bytes = readBytes(Checkout.defaultModel + "/model.safetensors")
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    var header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
    change(&header)
    let size = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    collection.folder.write(
      "model/model.safetensors", size + Array(header.utf8) + bytes[(8 + length)...])
    return model
  }
}

extension String {
  fileprivate mutating func replaceFirst(_ text: String, by other: String) {
    guard let range = firstRange(of: text) else { fatalError("no \(text)") }
    replaceSubrange(range, with: other)
  }
}
