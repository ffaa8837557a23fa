import BLIP
import Store
import StoreTestSupport
import TestSupport
import Testing

@testable import Retrieval

@Suite("Texts of an index for a picture", .ownsProcess)
struct EqualTextTests {
  @Test("Equal texts are one hit with all its pictures, and as many different ones as asked for")
  func equal() async throws {
    let fixture = try IndexFixture(pictures: 30)
    for seed in 0..<30 { fixture.collection.write("\(seed).txt", "text \(seed / 10)") }
    try await fixture.run(features: .bf16)
    let searcher = try Searcher(index: fixture.index, modelPath: TinyModel.retrieval.path)
    let path = "\(fixture.collection.path)/3.png"
    let hits = try searcher.match(pictureAt: path, count: 3, rerankDepth: 0, minimumMatch: nil)
    #expect(hits.map(\.text).sorted() == ["text 0", "text 1", "text 2"])
    for hit in hits {
      #expect(hit.otherPathBytes.count == 9 && hit.pathBytes != nil && !hit.isGenerated)
    }
    let all = try searcher.match(pictureAt: path, count: 99, rerankDepth: 4, minimumMatch: nil)
    #expect(all.count == 3)
    #expect(
      try searcher.match(pictureAt: path, count: 1, rerankDepth: 0, minimumMatch: nil)
        == Array(hits.prefix(1)))
  }

  @Test("What a model generated comes after what people wrote, and says so")
  func generated() async throws {
    let fixture = try IndexFixture(pictures: 6)
    fixture.collection.write("0.txt", "a red bird")
    fixture.collection.write("1.txt", "a blue band")
    try await fixture.run()
    let store = try IndexStore.openAnyForWriting(fixture.index)
    // As near as can be.
    let embedding = try #require(try store.read { try $0.embedding(picture: 3) })
    try store.write { change in
      for (id, text) in [(3, "generated"), (4, "a red bird")] as [(UInt64, String)] {
        try change.setSyntheticText(
          TextRecord(text: text, picture: id, source: .synthetic(by: "m")), embedding: embedding)
      }
    }
    let record = try #require(try store.read { try $0.picture(3) })
    let hits = try Searcher(store, model: fixture.model).match(
      pictureAt: "\(fixture.collection.path)/\(String(decoding: record.path, as: UTF8.self))",
      count: 9, rerankDepth: 0, minimumMatch: nil)
    #expect(hits.map(\.isGenerated) == [false, false, true])
    #expect(hits.last?.text == "generated")
    // A person wrote the same.
    #expect(hits.first { $0.text == "a red bird" }?.otherPathBytes.count == 1)
  }
}
