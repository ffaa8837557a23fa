import Glibc
import Tensors
import TestSupport
import Testing

@testable import BLIP
@testable import Checkpoints

private let realSizeFolder = getenv("BLIP_REAL_SIZE").map { String(cString: $0) }

/// BLIP-base's and BLIP-large's layouts at their real sizes against transformers, from BLIP's original
/// files and from Hugging Face's: `Benchmarks/fixtures/make_real_size_checkpoints.py` makes them, and
/// BLIP_REAL_SIZE names their folder. Prints what it measures.
@Suite(
  .ownsProcess, .enabled(if: realSizeFolder != nil, "set BLIP_REAL_SIZE to a folder of checkpoints")
)
struct RealSizeTests {
  private let folder: String
  private let expected: Activations

  init() throws {
    folder = try #require(realSizeFolder)
    expected = try Activations(path: folder + "/expected.safetensors")
  }

  private func convert(_ file: String) throws -> ModelFolder {
    let out = TemporaryFolder().path + "/model"
    try ModelConversion(
      "\(folder)/\(file)", vocabulary: "\(folder)/hf/vocab.txt", standardVocabulary: ""
    ).write(to: out) { _ = try ModelKind(of: $0) }
    return try ModelFolder(path: out)
  }

  /// The largest difference, relative to the largest number of the reference.
  private func expect(_ what: String, _ values: [Float], _ reference: [Float]) {
    #expect(values.count == reference.count)
    let largest = reference.map(abs).max() ?? 0
    let error = zip(values, reference).map { abs($0 - $1) }.max().map { $0 / largest } ?? .infinity
    print("\(what): largest relative error \(error)")
    #expect(error <= 1e-4, "\(what)")
  }

  @Test func retrieval() throws {
    for (name, source) in [
      ("retrieval.pth", try convert("retrieval.pth")),
      ("hf", try ModelFolder(path: folder + "/hf")),
    ] {
      let model = try BLIPModel(folder: source)
      let encodings = try (0..<2).map {
        try model.encode(pixels: expected.map("pixel_values", $0))
      }
      let texts = try expected.texts("input_ids")
      expect(
        "\(name), patch features", encodings.flatMap(\.features.values),
        try expected.floats("features"))
      expect(
        "\(name), image embedding", encodings.flatMap(\.embedding),
        try expected.floats("image_embeddings"))
      expect(
        "\(name), text embedding", try model.embed(texts: texts).flatMap { $0 },
        try expected.floats("text_embeddings"))
      let logits = try texts.flatMap {
        try model.match(text: $0, features: encodings.map(\.features)).flatMap {
          [$0.noMatch, $0.match]
        }
      }
      expect("\(name), ITM logits", logits, try expected.floats("itm_logits"))
    }
  }

  @Test func captioning() throws {
    let source = try convert("caption.pth")
    #expect(try ModelKind(of: source) == .captioning)
    let decoder = try BLIPModel(folder: source, precision: .fp32, use: .captions).textDecoder()
    let text = try #require(try expected.texts("decoder_input_ids").first)
    let logits = try (0..<2).flatMap { picture in
      var state = decoder.begin(
        [try expected.matrix("caption_features", picture)], capacity: text.count)
      return try decoder.logits(of: decoder([text], &state)).values
    }
    expect("caption.pth, decoder logits", logits, try expected.floats("caption_logits"))
  }
}
