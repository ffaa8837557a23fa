import Files
import FoundationEssentials
import Store
import TestSupport
import Testing

@testable import Retrieval

/// A way to spoil an export, and what the error must then name.
struct SpoiltExport: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let mentions: [String]
  let spoil: @Sendable (ExportSample) -> Void

  init(
    _ description: String, _ mentions: String...,
    spoil: @escaping @Sendable (ExportSample) -> Void
  ) {
    (testDescription, self.mentions, self.spoil) = (description, mentions, spoil)
  }

  private static let pictures = "img_emb/img_emb_0.npy"
  private static let metadata = "metadata/metadata_0.jsonl"
  private static let texts = "text_metadata/text_metadata_0.jsonl"

  static let all = [
    SpoiltExport("another model", "blip-mini", "fffff", "model it was built with") {
      let manifest = String(decoding: $0.read("blip.json"), as: UTF8.self)
      let digits = manifest.split(separator: "\"fingerprint\":\"")[1].prefix(5)
      $0.edit("blip.json", String(digits), "fffff")
    },
    SpoiltExport("another embedding size", "blip.json", "255", "256") {
      $0.edit("blip.json", ":256", ":255")
    },
    SpoiltExport("another count of pictures", "4 pictures", "5", "blip.json") {
      $0.edit("blip.json", "\"pictures\":4", "\"pictures\":5")
    },
    SpoiltExport("another count of texts", "5 texts", "6") {
      $0.edit("blip.json", "\"texts\":5", "\"texts\":6")
    },
    SpoiltExport("a newer version", "version 2") {
      $0.edit("blip.json", "\"version\":1", "\"version\":2")
    },
    SpoiltExport("no precision", "blip.json", "precision") {
      $0.edit("blip.json", "\"precision\"", "\"decision\"")
    },
    SpoiltExport("an unknown precision", "blip.json", "fp4") {
      $0.edit("blip.json", "bf16", "fp4")
    },
    SpoiltExport("a manifest that is no JSON", "blip.json", "JSON") { $0.write("blip.json", [1]) },
    SpoiltExport("a table cut short", pictures) {
      $0.write(pictures, Array($0.read(pictures).dropLast()))
    },
    SpoiltExport("a line too few", metadata, "fewer") {
      let lines = $0.read(metadata).split(separator: .newline)
      $0.write(metadata, Array(lines.dropLast().joined(separator: [.newline])))
    },
    SpoiltExport("a line too many", metadata, "more") {
      $0.write(metadata, $0.read(metadata) + [33])
    },
    SpoiltExport("a line that is no JSON", metadata, "line 1", "JSON") {
      $0.edit(metadata, "{", "[")
    },
    SpoiltExport("a line of arrays in arrays", metadata, "line 1") {
      $0.write(metadata, Array(repeating: UInt8(ascii: "["), count: 1 << 20))
    },
    SpoiltExport("a picture without a width", metadata, "line 1", "width") {
      $0.edit(metadata, "\"width\"", "\"wide\"")
    },
    SpoiltExport("a width of 0", metadata, "line 1", "0×70001") {
      $0.edit(metadata, "\"width\":1", "\"width\":0")
    },
    SpoiltExport("a negative size", metadata, "line 1", "number") {
      $0.edit(metadata, "\"size\":", "\"size\":-")
    },
    SpoiltExport("a number of another type", metadata, "line 1", "height") {
      $0.edit(metadata, "70001", "\"70001\"")
    },
    SpoiltExport("half a hash", metadata, "line 1", "hash") { $0.edit(metadata, "0101", "01") },
    SpoiltExport("a hash of other letters", metadata, "line 1", "hash") {
      $0.edit(metadata, "0101", "01xy")
    },
    SpoiltExport("a path that leads out", metadata, "line 1", "../plain.png") {
      $0.edit(metadata, "plain.png", "../plain.png")
    },
    SpoiltExport("an absolute path", metadata, "line 1", "/plain.png") {
      $0.edit(metadata, "plain.png", "/plain.png")
    },
    SpoiltExport("no path", metadata, "line 1") { $0.edit(metadata, "plain.png", "") },
    SpoiltExport("a path with a zero", metadata, "line 1") {
      $0.edit(metadata, "plain.png", "plain\\u0000.png")
    },
    SpoiltExport("a path twice", metadata, "line 4", "plain.png", "twice") {
      $0.edit(metadata, "last.tif", "plain.png")
    },
    SpoiltExport("base 64 that is none", metadata, "line 3", "image_path_base64") {
      $0.edit(metadata, "/2HDL4A=", "****")
    },
    SpoiltExport("a number that is none", pictures, "row 2", "finite") {
      $0.setNumber(pictures, row: 2, column: 5, .nan)
    },
    SpoiltExport("an embedding of another length", pictures, "row 1", "length") {
      $0.setNumber(pictures, row: 1, column: 0, 2)
    },
    SpoiltExport("an embedding of zeros", "text_emb_0.npy", "row 4", "zeros") {
      for column in 0..<256 { $0.setNumber("text_emb/text_emb_0.npy", row: 4, column: column, 0) }
    },
    SpoiltExport("a text out of order", texts, "line 2", "row 1") {
      $0.edit(texts, "\"image_row\":0", "\"image_row\":3")
    },
    SpoiltExport("a text of no picture that there is", texts, "line 1", "row -1") {
      $0.edit(texts, "\"image_row\":0", "\"image_row\":-1")
    },
    SpoiltExport("a text from nowhere", texts, "line 1", "sky") {
      $0.edit(texts, "sidecar", "sky")
    },
    SpoiltExport("an endless text", texts, "line 1", "20000 bytes") {
      $0.edit(texts, "\"\"", "\"" + String(repeating: "x", count: 20_000) + "\"")
    },
    SpoiltExport("a part without its metadata", "part 1", "metadata") {
      $0.write("img_emb/img_emb_1.npy", $0.read(pictures))
    },
    SpoiltExport("a part twice", "two parts 0") {
      $0.write("img_emb/img_emb_00.npy", $0.read(pictures))
    },
    SpoiltExport("a part without a number", "img_emb_x.npy", "number") {
      $0.write("img_emb/img_emb_x.npy", [])
    },
  ]
}

@Suite("Imports")
struct ImportTests {
  private let sample: ExportSample

  init() throws { sample = try ExportSample() }

  private func isEmptyOrAbsent(_ index: String) throws -> Bool {
    guard FileManager.default.fileExists(atPath: index) else { return true }
    return try IndexStore.open(index).read { snapshot in
      // The statistics of the terms are always there.
      try snapshot.tableSizes().allSatisfy {
        $0.name.hasPrefix("meta") || $0.entries <= ($0.name == "terms" ? 1 : 0)
      }
    }
  }

  @Test(
    "What is not as it was exported is one line that names the place", arguments: SpoiltExport.all)
  func spoilt(export: SpoiltExport) throws {
    export.spoil(sample)
    let error = #expect(throws: RetrievalError.self) { try sample.importAgain() }
    let line = error?.description ?? ""
    #expect(!line.contains("\n") && line.contains(sample.folder), "\(line)")
    for part in export.mentions { #expect(line.contains(part), "\(line)") }
    #expect(try isEmptyOrAbsent(sample.copy))
  }

  @Test("After an error or an interruption the same index can be filled again")
  func afterwards() throws {
    sample.edit("metadata/metadata_0.jsonl", "last.tif", "plain.png")
    #expect(throws: RetrievalError.self) { try sample.importAgain() }
    sample.edit("metadata/metadata_0.jsonl", "plain.png", "first.png")
    var questions = 0
    let stopped = try sample.importAgain {
      questions += 1
      return questions == 4
    }
    #expect(try stopped == nil && isEmptyOrAbsent(sample.copy))
    #expect(try sample.importAgain()?.pictures == 4)
  }

  @Test("An index that holds pictures is refused and left as it is")
  func occupied() throws {
    try sample.importAgain()
    let before = try IndexContent(IndexStore.open(sample.copy))
    let error = #expect(throws: RetrievalError.self) { try sample.importAgain() }
    #expect(error?.description.contains("4 pictures") == true)
    #expect(try IndexContent(IndexStore.open(sample.copy)) == before)
  }

  @Test("The collection may have moved since the export")
  func moved() throws {
    let elsewhere = Collection()
    let summary = try sample.importAgain(collection: elsewhere.path)
    #expect(summary?.metadata.collection == String(decoding: elsewhere.root, as: UTF8.self))
    #expect(throws: RetrievalError.self) { try sample.importAgain(collection: "/none") }
  }

  @Test("A missing folder, or one without embeddings, is an error")
  func noFolder() throws {
    for folder in [
      "/none", sample.folder + "/blip.json", sample.temporary.path, sample.folder + "/metadata",
    ] {
      let request = ImportRequest(
        folder: folder, index: sample.copy, collection: sample.temporary.path,
        model: ExportSample.modelPath)
      let error = #expect(throws: RetrievalError.self) { try IndexImport(request) }
      #expect(error?.description.contains(folder) == true)
    }
  }
}
