import Foundation
import Images
import Retrieval
import Synchronization
import TestSupport
import Testing

/// The same for captions: public declarations only.
@Suite("Captions in the library", .ownsProcess)
struct CaptioningTests {
  private let photos = Collection()

  init() {
    for seed in 0..<4 { photos.write("\(seed).png", TestPNG.picture(seed: seed)) }
    photos.write("broken.png", "no picture")
    photos.write(
      "captions.json",
      #"[{"image": "0.png", "caption": ["blue bands", "red"]}, {"image": "broken.png", "caption": "?"},"#
        + #" {"image": "none.png", "caption": "!"}]"#)
  }

  @Test(
    "PictureCaptioner captions files and contents in their order, and says what is wrong with one")
  func captions() async throws {
    let captioner = try await PictureCaptioner(model: TinyModel.captioning.path)
    let names = ["3.png", "broken.png", "0.png"].map { "\(photos.path)/\($0)" }
    let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: names[0])))
    let sources = names.map { PictureSource($0) } + [.contents(bytes, name: "memory")]
    var captions: [GeneratedCaption] = []
    for try await generated in captioner.captions(of: sources) { captions.append(generated) }
    #expect(captions.map(\.picture) == sources)
    #expect(try captions[0].caption.get() == captions[3].caption.get())
    guard case .failure(let error) = captions[1].caption else {
      Issue.record("a caption of no picture")
      return
    }
    #expect(error.code == .unreadablePicture && error.description.contains("broken.png"))
  }

  @Test("A cancelled task ends the captions early")
  func cancelled() async throws {
    let captioner = try await PictureCaptioner(model: TinyModel.captioning.path)
    let sources = (0..<400).map { PictureSource("\(photos.path)/\($0 % 4).png") }
    var count = 0
    for try await _ in captioner.captions(of: sources) {
      count += 1
      if count == 1 { withUnsafeCurrentTask { $0?.cancel() } }
    }
    #expect(count < sources.count)
  }

  @Test("TextMatcher ranks texts for a picture")
  func texts() async throws {
    let matcher = try await TextMatcher(model: TinyModel.retrieval.path)
    let hits = try await matcher.match("\(photos.path)/0.png", texts: ["blue", "red"])
    #expect(Set(hits.map(\.text)) == ["blue", "red"])
    await #expect(throws: RetrievalError.self) {
      try await matcher.match("\(photos.path)/0.png", texts: [])
    }
  }

  @Test("MatchFilter and CapFilt judge the texts of a captions file; CapFilt adds one")
  func filters() async throws {
    let noisy = try CaptionedFiles(captions: "\(photos.path)/captions.json")
    #expect(noisy.pictures.map(\.name) == ["0.png", "broken.png"])
    #expect(noisy.warnings.contains { $0.contains("none.png") })
    let filter = try await MatchFilter(model: TinyModel.retrieval.path)
    var judged: [[FilteredText]] = []
    for try await texts in filter.results(of: noisy.pictures) { judged.append(texts) }
    #expect(judged.map { $0.map(\.text) } == [["blue bands", "red"], ["?"]])
    #expect(judged[1].allSatisfy { !$0.isKept(above: 0) })
    let capFilt = try await CapFilt()
    for try await texts in capFilt.results(of: [noisy.pictures[0]]) {
      #expect(texts.count == 3 && texts[2].source.isSynthetic)
    }
  }

  /// Counts what it decodes.
  private final class CountingDecoder: PictureDecoder {
    let count = Atomic(0)
    let maximumBytes = ImageDecoder().maximumBytes

    func decode(_ bytes: [UInt8], forSide side: Int?) throws -> (
      picture: Picture, properties: ImageProperties
    ) {
      count.wrappingAdd(1, ordering: .relaxed)
      return try ImageDecoder().decode(bytes, forSide: side)
    }

    func details(of bytes: [UInt8]) throws -> PictureDetails { PictureDetails() }
    func requireTextReading() throws {}
    func text(in bytes: [UInt8]) throws -> String { "" }
  }

  @Test("The decoder of an index decodes its pictures and those of queries")
  func decoder() async throws {
    let decoder = CountingDecoder()
    let index = try await PictureIndex.create(
      at: TemporaryFolder().path + "/index", model: TinyModel.retrieval.path, decoder: decoder)
    try await index.update(from: photos.path).summary()
    let before = decoder.count.load(ordering: .relaxed)
    #expect(before >= 4)
    let picture = "\(photos.path)/0.png"
    #expect(try await index.search(picture: picture).first?.path == "0.png")
    #expect(try await index.match(picture: picture, texts: ["red"]).count == 1)
    let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: picture)))
    let hits = try await index.search(QueryExpression(.picture(.contents(bytes, name: "memory"))))
    #expect(hits.first?.path == "0.png")
    #expect(decoder.count.load(ordering: .relaxed) == before + 3)
  }
}
