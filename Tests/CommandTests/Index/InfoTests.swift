import Testing

@Suite("blip info")
struct InfoTests {
  @Test("What an index holds, as JSON")
  func json() throws {
    let info = try Shared.collection.info()
    #expect(info.name == "four" && info.pictures == 4 && info.texts == 4 && info.failures == 0)
    #expect(info.collection == Shared.collection.pictures && info.model.name == "blip-mini")
    #expect(info.image_size == 224 && info.embedding_size == 256 && info.features == "bf16")
    // bf16 where the processor multiplies it.
    #expect(["fp32", "bf16"].contains(info.precision))
    #expect(info.picture_vectors.kind == "flat" && info.picture_vectors.vectors == 4)
    #expect(info.text_vectors.vectors == 4 && info.bytes_per_vector ?? 0 > 1024)
    #expect(info.model.fingerprint.count == 64)
    let pictures = try #require(info.tables.first { $0.name == "pictures" })
    #expect(pictures.entries == 4 && pictures.bytes > 0)
  }

  @Test("The same for people, on one screen")
  func text() {
    let outcome = blip("info", "--index", Shared.collection.index)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    for part in ["four", Shared.collection.pictures, "blip-mini", "pictures", "embeddings", "KiB"] {
      #expect(outcome.output.contains(part), "\(part)")
    }
    #expect(outcome.lines.count < 30)
  }

  @Test("A few failures, or all of them")
  func failures() {
    let collection = Collection(pictures: 1)
    for number in 1..<9 { collection.add("bad-\(number).jpg", [1, 2, 3]) }
    collection.update()
    let few = blip("info", "--index", collection.index)
    #expect(few.lines.count { $0.hasPrefix("  bad-") } == 5)
    #expect(few.output.contains("and 3 more (see them with --failures)"))
    let all = blip("info", "--index", collection.index, "--failures")
    #expect(all.lines.count { $0.hasPrefix("  bad-") } == 8 && !all.output.contains("more"))
  }

  @Test("What is no index is an error that says so")
  func notAnIndex() {
    let collection = Collection(pictures: 0)
    expectFailure(blip("info", "--index", collection.pictures), mentions: "blip index")
    collection.add("data.mdb", Array(repeating: 7, count: 10_000))
    expectFailure(blip("info", "--index", collection.pictures), mentions: collection.pictures)
  }
}
