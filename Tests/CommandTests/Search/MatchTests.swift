import TestSupport
import Testing

@Suite("blip match")
struct MatchTests {
  let collection = Shared.collection
  var picture: String { collection.pictures + "/picture-01.jpg" }

  @Test("Texts of the index for a picture, with their own pictures")
  func index() throws {
    let outcome = blip("match", picture, "--index", collection.index, "--rerank", "0", "--json")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let hits = try outcome.objects(TextLine.self)
    #expect(Set(hits.map(\.text)) == Set(Collection.captions))
    #expect(hits.first { $0.text == "a red wall" }?.path == "picture-01.jpg")
    #expect(hits.map(\.cosine) == hits.map(\.cosine).sorted(by: >))
    let two = blip(
      "match", picture, "--index", collection.index, "-k", "2", "--rerank", "0", "--json")
    #expect(try two.objects(TextLine.self) == Array(hits.prefix(2)))
  }

  @Test("Texts are in the order of their probability")
  func rerank() throws {
    let hits = try blip(
      "match", picture, "--index", collection.index, "--rerank", "4", "--json"
    ).objects(TextLine.self)
    let probabilities = hits.map { $0.probability! }
    #expect(probabilities.count == 4 && probabilities == probabilities.sorted(by: >))
    #expect(hits.allSatisfy { $0.itm != nil && $0.match_probability != nil })
  }

  @Test("--text compares with the given texts and needs no index")
  func texts() throws {
    let given = try blip("match", picture, "--text", "a red wall", "--text", "pink dots", "--json")
      .objects(TextLine.self)
    #expect(Set(given.map(\.text)) == ["a red wall", "pink dots"])
    #expect(given.allSatisfy { $0.path == nil && (0...1).contains($0.probability ?? -1) })

    // The same numbers as through an index.
    let indexed = try blip(
      "match", picture, "--index", collection.index, "--rerank", "4", "--json"
    ).objects(TextLine.self)
    let red = try #require(given.first { $0.text == "a red wall" })
    let same = try #require(indexed.first { $0.text == "a red wall" })
    #expect(abs(red.cosine - same.cosine) < 1e-4 && abs(red.itm! - same.itm!) < 1e-2)

    let table = blip("match", picture, "--text", "a red wall")
    #expect(table.lines.count == 2 && table.lines[1].contains(" %  "))
  }

  @Test("A missing picture, and a file that is none, are errors that name it")
  func badPictures() {
    expectFailure(blip("match", "/none/p.jpg", "--text", "x"), mentions: "/none/p.jpg")
    let text = collection.folder.write("text.jpg", Array("a text".utf8))
    expectFailure(blip("match", text, "--text", "x"), mentions: text)
    expectFailure(blip("match", text, "--index", collection.index), mentions: text)
  }

  @Test("An index without texts says how to give it some")
  func noTexts() {
    let collection = Collection(pictures: 1)
    collection.update()
    expectFailure(
      blip("match", collection.pictures + "/picture-00.jpg", "--index", collection.index),
      mentions: collection.index, "--captions")
  }
}
