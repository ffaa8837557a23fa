import Checkpoints
import Tensors
import TestSupport
import Testing

@testable import BLIP

/// However texts and pictures are put together, every one gets the numbers it gets alone.
@Suite struct BatchTests {
  private let ids: [Int32] = [
    101, 1037, 3899, 2770, 2006, 1996, 3509, 2007, 2010, 4157, 1998, 2048, 2273, 1999, 2392, 1997,
    1037, 2665, 2160, 2012, 2305, 2096, 1996, 3103, 2003, 2746, 2091, 2058, 1996, 4153, 1010, 2200,
    2200, 2733, 102,
  ]

  /// A text of every length from 2 to 35.
  private var texts: [[Int32]] { (1...34).map { Array(ids.prefix($0)) + [102] } }

  private func pictures(_ reference: String, _ tensor: String) throws -> [Matrix] {
    let activations = try Activations(reference)
    return try (0..<2).map { try activations.matrix(tensor, $0) }
  }

  @Test(arguments: [Models.tiny, Models.standard])
  func aBatchOfTextsEqualsEachAlone(model: Result<BLIPModel, any Error>) throws {
    let model = try model.get()
    // Enough of them that they are run in more than one piece; fewer for the larger model.
    let texts =
      model.folder.configuration.embeddingSize == 32
      ? texts + texts.reversed() : [texts[0], texts[1], texts[10], texts[33]]
    let together = try model.embed(texts: texts)
    #expect(together.count == texts.count)
    for (text, embedding) in zip(texts, together) {
      let alone = try model.embed(texts: [text])[0]
      let error = zip(alone, embedding).map { abs($0 - $1) }.max() ?? .infinity
      #expect(error < 2e-6, "\(text.count) tokens: off by \(error)")
    }
  }

  @Test(arguments: [Models.tiny, Models.standard])
  func matchingTogetherEqualsEveryPairAlone(model: Result<BLIPModel, any Error>) throws {
    let model = try model.get()
    let pictures = try pictures(
      model.folder.configuration.embeddingSize == 32
        ? "blip-tiny-activations.safetensors" : "blip-mini-activations.safetensors",
      "vision.last_hidden_state")
    let texts = [texts[0], texts[6], texts[10], texts[33]]
    let byPicture = try pictures.map { try model.match(texts: texts, features: $0) }
    for (index, text) in texts.enumerated() {
      let byText = try model.match(text: text, features: pictures)
      for picture in pictures.indices {
        let alone = try model.match(text: text, features: [pictures[picture]])[0]
        for other in [byText[picture], byPicture[picture][index]] {
          #expect(
            abs(alone.match - other.match) < 2e-5 && abs(alone.noMatch - other.noMatch) < 2e-5,
            "\(text.count) tokens, picture \(picture): \(alone) and \(other)")
        }
      }
    }
  }

  /// More pictures than are run at once, with different numbers of patches.
  @Test func manyPicturesOfOneTextEqualEachAlone() throws {
    let model = try Models.tiny.get()
    let features = try pictures("blip-tiny-activations.safetensors", "vision.last_hidden_state")
    let many = (0..<40).map { features[$0 % 2].rows(0..<(17 - $0 % 5)) }
    let together = try model.match(text: ids, features: many)
    for (picture, logits) in zip(many, together) {
      let alone = try model.match(text: ids, features: [picture])[0]
      #expect(abs(alone.match - logits.match) < 2e-5)
    }
  }

  @Test func nothingInNothingOut() throws {
    let model = try Models.tiny.get()
    #expect(try model.embed(texts: []).isEmpty)
    #expect(try model.match(text: ids, features: []).isEmpty)
    #expect(try model.match(texts: [], features: Matrix(rows: 17, columns: 64)).isEmpty)
  }

  /// Compares bits, which a change of kernels would change.
  @Test(.ownsProcess) func threadsShareAModel() async throws {
    let model = try BLIPModel(folder: Models.tiny.get().folder)
    let reference = try Activations("blip-tiny-activations.safetensors")
    let pixels = try (0..<2).map { try reference.map("pixel_values", $0) }
    let expected = try pixels.map { try Models.tiny.get().encode(pixels: $0).embedding }
    try await withThrowingTaskGroup { group in
      for index in 0..<40 {
        group.addTask {
          let embedding = try model.encode(pixels: pixels[index % 2]).embedding
          #expect(embedding == expected[index % 2])
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func probabilityIsTheSoftmaxOfTheLogits() {
    #expect(MatchLogits(noMatch: 1, match: 1).probability == 0.5)
    #expect(abs(MatchLogits(noMatch: -1, match: 1).probability - 0.8807971) < 1e-6)
    #expect(MatchLogits(noMatch: 500, match: -500).probability == 0)
  }
}
