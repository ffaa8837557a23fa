import Images
import TestSupport
import Testing

@Suite("blip explain")
struct ExplainTests {
  let collection = Shared.collection
  var picture: String { collection.pictures + "/picture-01.jpg" }

  private struct Explained: Decodable {
    struct Word: Decodable {
      let text: String
      let start, end: Int
      let stop_word: Bool?
      let strength: Float
      let weights: [Float]
    }

    let text: String
    let match_probability, itm, cosine: Float
    let rows, columns: Int
    let words: [Word]
  }

  @Test("A table of the words that say something, with where they are in the picture")
  func table() {
    let outcome = blip("explain", picture, "the red wall")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(outcome.lines.count == 4)
    #expect(outcome.lines[0].contains(" %") && outcome.lines[1].contains("where"))
    #expect(outcome.lines[2].contains("red") && outcome.lines[3].contains("wall"))
  }

  @Test("--json has the weights of all words, and the figures of blip match")
  func json() throws {
    let explained = try #require(
      blip("explain", picture, "the red wall", "--json").objects(Explained.self).first)
    #expect(explained.words.map(\.text) == ["the", "red", "wall"])
    #expect(explained.words.map(\.stop_word) == [true, nil, nil])
    #expect(explained.words.map(\.start) == [0, 4, 8] && explained.words.map(\.end) == [3, 7, 12])
    for word in explained.words {
      #expect(word.weights.count == explained.rows * explained.columns)
      #expect(word.weights.allSatisfy { (0...1).contains($0) })
    }
    let match = try #require(
      blip("match", picture, "--text", "the red wall", "--json").objects(TextLine.self).first)
    #expect(abs(match.itm! - explained.itm) < 1e-4)
    #expect(abs(match.match_probability! - explained.match_probability) < 1e-4)
  }

  @Test("--out writes a PNG with a tile for each of these words")
  func sheet() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/map.png"
    let outcome = blip("explain", picture, "a red brick wall", "--out", path)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let sheet = try ImageDecoder().decode(readBytes(path), forSide: nil).picture
    // The picture has 96×64 pixels; gaps and labels surround the three tiles.
    #expect(sheet.width > 3 * 96 && sheet.width < 4 * 96 && sheet.height > 64)
    #expect(Set(sheet.pixels).count > 10)
  }

  @Test("What cannot be explained is an error that says why")
  func errors() {
    expectFailure(blip("explain", "/none/p.jpg", "a dog"), mentions: "/none/p.jpg")
    let text = collection.folder.write("text-2.jpg", Array("a text".utf8))
    expectFailure(blip("explain", text, "a dog"), mentions: text)
    expectFailure(
      blip("explain", picture, "a dog", "--out", "/none/map.png"), mentions: "/none")
    #expect(blip("explain", picture, "a dog", "--out", "map.jpg").status == 64)
    #expect(blip("explain", picture, " ").status == 64)
    expectFailure(blip("explain", picture, "a dog", "--layers", "9"), mentions: "layers")
  }
}
