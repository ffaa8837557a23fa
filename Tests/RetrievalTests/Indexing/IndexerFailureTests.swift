import Files
import Store
import Testing
import TestSupport

@testable import Retrieval

@Suite("Indexing when something fails", .ownsProcess)
struct IndexerFailureTests {
  @Test("Failures are kept with their reasons and tried again only when the file has changed")
  func failures() async throws {
    let fixture = try IndexFixture(pictures: 2)
    fixture.collection.write("text.jpg", "this is a letter, not a picture")
    fixture.collection.write("empty.png", "")
    fixture.collection.write("cut.png", TestPNG.picture(seed: 3).prefix(400))
    fixture.collection.write("huge.png", TestPNG.header(width: 60_000, height: 60_000))
    let (first, events) = try await fixture.run()
    #expect(first == summary(found: 6, added: 2, failed: 4))
    let names = ["cut.png", "empty.png", "huge.png", "text.jpg"]
    let reported = events.compactMap { if case .failed(let path, _) = $0 { path } else { nil } }
    #expect(reported.sorted() == names)
    let failures = try fixture.failures()
    #expect(failures.keys.sorted() == names)
    #expect(failures.values.allSatisfy { !$0.isEmpty })

    #expect(try await fixture.run().summary == summary(found: 6, unchanged: 2, failedBefore: 4))
    #expect(
      try await fixture.run(retriesFailures: true).summary
        == summary(found: 6, unchanged: 2, failed: 4))

    fixture.add("cut.png", seed: 3)
    fixture.collection.remove("text.jpg")
    fixture.collection.setTime("empty.png", 1_000_000_000)
    #expect(
      try await fixture.run().summary
        == summary(found: 5, added: 1, unchanged: 2, failed: 1, failedBefore: 1))
    #expect(try fixture.failures().keys.sorted() == ["empty.png", "huge.png"])
  }

  @Test("A picture whose new content is broken is no longer found") func broken() async throws {
    let fixture = try IndexFixture(pictures: 2)
    try await fixture.run()
    fixture.collection.write("0.png", "overwritten by a mishap")
    #expect(try await fixture.run().summary == summary(found: 2, unchanged: 1, failed: 1))
    #expect(try fixture.contents().keys.sorted() == ["1.png"])
    fixture.add("0.png", seed: 0)
    #expect(try await fixture.run().summary == summary(found: 2, added: 1, unchanged: 1))
    #expect(try fixture.failures().isEmpty)
  }

  @Test("A picture that vanishes during the run is a failure, which the next run forgets")
  func vanishing() async throws {
    let fixture = try IndexFixture(pictures: 3)
    let (first, _) = try await fixture.run(during: { event in
      if case .scanned = event { fixture.collection.remove("1.png") }
    })
    #expect(first == summary(found: 3, added: 2, failed: 1))
    #expect(try fixture.failures().keys.sorted() == ["1.png"])
    #expect(try await fixture.run().summary == summary(found: 2, unchanged: 2))
    #expect(try fixture.failures().isEmpty)
  }

  @Test(
    "A file that may not be read is tried again every time: a change of permissions leaves no trace",
    .enabled(if: !isRoot))
  func permission() async throws {
    let fixture = try IndexFixture(pictures: 2)
    fixture.collection.setPermissions("0.png", 0)
    #expect(try await fixture.run().summary == summary(found: 2, added: 1, failed: 1))
    #expect(try await fixture.run().summary == summary(found: 2, unchanged: 1, failed: 1))
    fixture.collection.setPermissions("0.png", 0o644)
    #expect(try await fixture.run().summary == summary(found: 2, added: 1, unchanged: 1))
  }

  @Test(
    "A stopped run keeps what is done, and the next one ends as if there had been no stop",
    arguments: [1, 2, 5, 9, 14])
  func interrupted(_ questions: Int) async throws {
    let whole = try IndexFixture(pictures: 12)
    let stopped = try IndexFixture(pictures: 12)
    for fixture in [whole, stopped] { fixture.collection.write("3.txt", "Bands of green.") }
    try await whole.run()
    let (first, _) = try await stopped.run(stopAfter: questions)
    #expect(first.interrupted)
    #expect(first.added < 12 || first.texts == 0)
    let (second, _) = try await stopped.run()
    #expect(!second.interrupted)
    #expect(first.added + second.added == 12)
    #expect(second.unchanged == first.added)
    let (contents, expected) = (try stopped.contents(), try whole.contents())
    #expect(contents.mapValues(\.hash) == expected.mapValues(\.hash))
    #expect(contents.mapValues(\.texts) == expected.mapValues(\.texts))
    for (path, content) in contents {
      #expect(isClose(content.embedding, try #require(expected[path]).embedding))
    }
  }

  @Test("A picture from the future is indexed once, and again when it has changed")
  func future() async throws {
    let fixture = try IndexFixture(pictures: 2)
    // The clock of a camera or of another machine, and one after all that nanoseconds can count.
    fixture.collection.setTime("0.png", 4_000_000_000)
    fixture.collection.setTime("1.png", 200_000_000_000)
    #expect(try await fixture.run().summary == summary(found: 2, added: 2))
    let (again, events) = try await fixture.run()
    #expect(again == summary(found: 2, unchanged: 2))
    #expect(events.contains(.scanned(found: 2, toEncode: 0)))
    fixture.add("0.png", seed: 7)
    #expect(try await fixture.run().summary == summary(found: 2, changed: 1, unchanged: 1))
    // The clock is set back: nothing but the times of the files counts.
    fixture.collection.setTime("0.png", 1000)
    #expect(try await fixture.run().summary == summary(found: 2, unchanged: 2))
  }
}
