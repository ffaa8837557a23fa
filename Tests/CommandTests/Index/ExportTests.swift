import Glibc
import TestSupport
import Testing

@Suite("blip export and blip import")
struct ExportTests {
  /// An index of four captioned pictures, exported.
  private struct Exported {
    let folder = TemporaryFolder()
    var export: String { folder.path + "/export" }
    var copy: String { folder.path + "/copy" }

    init() {
      let outcome = blip("export", export, "--index", Shared.collection.index)
      precondition(outcome.status == 0, outcome.errors)
    }
  }

  private func answers(_ index: String) -> [String] {
    [
      ["search", "stripes", "--rerank", "0"],
      ["search", Shared.collection.pictures + "/picture-01.jpg"],
      ["match", Shared.collection.pictures + "/picture-02.jpg", "--rerank", "0"],
    ].map { BlipProcess($0 + ["--index", index, "--json"]).outcome().output }
  }

  @Test("An index that was exported and imported gives the same answers")
  func roundTrip() throws {
    let exported = Exported()
    let outcome = blip("import", exported.export, "--index", exported.copy)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    for part in ["pictures    4", "texts       4", "blip-mini", "features    none"] {
      #expect(outcome.output.contains(part), "\(outcome.output)")
    }
    let expected = answers(Shared.collection.index)
    #expect(expected.allSatisfy { !$0.isEmpty } && answers(exported.copy) == expected)
  }

  @Test("A later blip index finds what was imported unchanged")
  func indexing() throws {
    let exported = Exported()
    blip("import", exported.export, "--index", exported.copy)
    let outcome = blip("index", Shared.collection.pictures, "--index", exported.copy)
    #expect(outcome.output.contains("unchanged  4") && outcome.output.contains("texts      0"))
    #expect(outcome.output.contains("vanished   0"))
  }

  @Test("Embeddings without blip.json are tied to the pictures of a collection")
  func foreign() throws {
    let exported = Exported()
    unlink(exported.export + "/blip.json")
    for name in ["text_emb", "text_metadata"] {
      rename("\(exported.export)/\(name)", "\(exported.folder.path)/\(name)")
    }
    let collection = Collection(pictures: 0)
    let first = "\(Shared.collection.pictures)/\(Collection.name(0))"
    collection.add(Collection.name(0), readBytes(first))
    let outcome = blip(
      "import", exported.export, "--index", exported.copy, "--collection", collection.pictures)
    #expect(outcome.status == 3 && outcome.output.contains("pictures    1"))
    try #require(outcome.errorLines.count == 3, "\(outcome.errors)")
    #expect(outcome.errorLines[2] == "blip: 3 of 4 pictures could not be imported")
    #expect(outcome.errorLines[0].contains("skipped 3 pictures"))
    // Decoded by several threads, pictures come into an index in any order.
    #expect((1...3).contains { outcome.errorLines[0].contains(Collection.name($0)) })
    #expect(outcome.errorLines[1].contains("skipped 1 caption without"))
    let hits = blip("search", first, "--index", exported.copy, "--json")
    let hit = try #require(try hits.objects(PictureLine.self).first)
    #expect(hit.path == "picture-00.jpg" && hit.cosine > 0.999)
  }

  @Test("What cannot be done is one line that says why")
  func errors() {
    let exported = Exported()
    let index = Shared.collection.index
    expectFailure(
      blip("export", exported.export, "--index", index), mentions: exported.export, "empty folder")
    expectFailure(blip("export", exported.copy, "--index", "/none/i"), mentions: "/none/i")
    expectFailure(blip("export", "/proc/none", "--index", index), mentions: "/proc/none")
    expectFailure(
      blip("import", exported.export, "--index", index), mentions: index, "4 pictures and 4 texts")
    expectFailure(
      blip("import", exported.folder.path, "--index", exported.copy), mentions: "--collection")
    expectFailure(
      blip("import", "/none/e", "--index", exported.copy), mentions: "/none/e", "no such folder")
    expectFailure(
      blip("import", exported.export, "--index", exported.copy, "--model", "/none/m"),
      mentions: "/none/m")
    exported.folder.write("export/metadata/metadata_0.jsonl", "{}\n".utf8)
    expectFailure(
      blip("import", exported.export, "--index", exported.copy), mentions: "line 1", "image_path")
  }

  @Test("A model that did not make the export is an error that names both")
  func otherModel() {
    let exported = Exported()
    expectFailure(
      blip(
        "import", exported.export, "--index", exported.copy, "--model",
        TinyModel.retrieval.path),
      mentions: "blip-mini", "blip-tiny", "--model")
  }
}
