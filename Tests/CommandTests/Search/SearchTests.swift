import Files
import Glibc
import Testing
import TestSupport

private let flickr8k = Checkout.shared + "/data/flickr8k-dev"

@Suite("blip search")
struct SearchTests {
  let collection = Shared.collection

  private func search(_ arguments: String...) -> Outcome {
    BlipProcess(["search", "--index", collection.index] + arguments).outcome()
  }

  @Test("The hits, best first, as JSON objects of what exists")
  func json() throws {
    let outcome = search("blue stripes", "--rerank", "0", "--json")
    #expect(outcome.status == 0 && outcome.warnings.isEmpty)
    let hits = try outcome.objects(PictureLine.self)
    #expect(Set(hits.map(\.path)) == Set((0..<4).map { Collection.name($0) }))
    #expect(hits.map { $0.probability! } == hits.map { $0.probability! }.sorted(by: >))
    #expect(hits.allSatisfy { $0.location == collection.pictures + "/" + $0.path })
    #expect(hits.allSatisfy { $0.itm == nil && $0.match_probability == $0.probability })
    #expect(hits.first { $0.path == "picture-02.jpg" }?.captions == ["green waves & <ripples>"])
  }

  @Test("-k hits")
  func count() {
    #expect(search("blue stripes", "-k", "2", "--json").lines.count == 2)
  }

  @Test("Hits are in the order of their probability, however many are reranked")
  func rerank() throws {
    let hits = try search("blue stripes", "--rerank", "3", "--json").objects(PictureLine.self)
    #expect(hits.count { $0.itm != nil } == 3 && hits.count == 4)
    let probabilities = hits.map { $0.probability! }
    #expect(probabilities == probabilities.sorted(by: >))
    #expect(hits.allSatisfy { $0.itm == nil || (0...1).contains($0.match_probability!) })
    let plain = try search("blue stripes", "--rerank", "0", "--json").objects(PictureLine.self)
    #expect(Set(hits.filter { $0.itm != nil }.map(\.path)) == Set(plain.prefix(3).map(\.path)))
    // The default model's reranking pays for sentences, so that it is done unasked.
    let phrase = try search("blue stripes", "--json").objects(PictureLine.self)
    #expect(phrase.allSatisfy { $0.itm == nil })
    let sentence = try search("a wall with many wide blue stripes", "--json")
      .objects(PictureLine.self)
    #expect(sentence.allSatisfy { $0.itm != nil })
  }

  @Test("--min-match leaves out what is less likely; nothing left is no error")
  func minimumMatch() throws {
    let all = try search("blue stripes", "--rerank", "4", "--json").objects(PictureLine.self)
    let cut = all[1].probability!
    let some = try search(
      "blue stripes", "--rerank", "4", "--min-match", "\(cut)", "--json"
    ).objects(PictureLine.self)
    #expect(some.map(\.path) == all.filter { $0.probability! >= cut }.map(\.path))
    // What is not reranked has a probability too.
    let plain = try search("blue stripes", "--rerank", "0", "--json").objects(PictureLine.self)
    let half = (plain[1].probability! + plain[2].probability!) / 2
    let kept = try search(
      "blue stripes", "--rerank", "0", "--min-match", "\(half)", "--json"
    ).objects(PictureLine.self)
    #expect(kept.map(\.path) == plain.prefix(2).map(\.path))

    let none = search("blue stripes", "--rerank", "4", "--min-match", "1")
    #expect(none.status == 0 && none.output.isEmpty && none.errors == "blip: no results\n")
  }

  @Test("What probably nothing shows is said first, with the best guess")
  func absence() throws {
    let outcome = search("xylophonist quarterly tax spreadsheet", "--rerank", "0")
    let first = try #require(outcome.lines.dropFirst().first)
    let path = try #require(first.split(separator: " ").last)
    let line = try #require(outcome.errorLines.first)
    #expect(line.contains("probably nothing here shows this; the best guess is \(path) ("))
    #expect(line.hasSuffix(" %)"))
    // Programs read it of each hit.
    let json = search("xylophonist quarterly tax spreadsheet", "--rerank", "0", "--json")
    #expect(try json.objects(PictureLine.self).allSatisfy { $0.improbable == true })
    #expect(!json.errors.contains("probably nothing"))
  }

  @Test("--paths writes absolute paths only")
  func paths() throws {
    let hits = try search("blue stripes", "--json").objects(PictureLine.self)
    #expect(search("blue stripes", "--paths").lines == hits.map(\.location))
  }

  @Test("The table shows rank, probability, cosine, path and captions")
  func table() throws {
    let plain = search("blue stripes", "-k", "2", "--rerank", "0")
    #expect(plain.lines.count >= 5)
    #expect(plain.lines[0].hasSuffix("probability   cosine  picture"))
    #expect(plain.lines[1].hasPrefix(" 1  ") && plain.lines[1].hasSuffix(".jpg"))
    #expect(!plain.output.contains("\u{1B}"))
    #expect(plain.lines[1].contains(" %  ") && !plain.output.contains("match"))
  }

  @Test("--under takes pictures of a folder only, however it is named")
  func folder() throws {
    let collection = Collection(pictures: 1)
    for folder in ["trips", "trips/sea", "trips-old"] {
      mkdir(collection.pictures + "/" + folder, 0o755)
      collection.add(folder + "/a.jpg", Drawing.jpeg(folder.count))
    }
    #expect(collection.update().status == 0)
    func search(_ folder: String, _ options: String...) -> Outcome {
      BlipProcess(
        ["search", "stripes", "--index", collection.index, "--json", "--under", folder] + options
      ).outcome()
    }
    let trips: Set = ["trips/a.jpg", "trips/sea/a.jpg"]
    for name in ["trips", "trips/", "./trips", collection.pictures + "/trips"] {
      let hits = try search(name).objects(PictureLine.self)
      #expect(Set(hits.map(\.path)) == trips, "\(name)")
    }
    #expect(try search("trips", "--exact").objects(PictureLine.self).count == 2)
    #expect(try search("trips", "--nprobe", "3").objects(PictureLine.self).count == 2)
    // Two of the four are copies.
    #expect(try search(collection.pictures, "--all").objects(PictureLine.self).count == 4)
    #expect(try search(collection.pictures).objects(PictureLine.self).count == 3)
    expectFailure(search("trip"), mentions: "trip", collection.pictures)
    expectFailure(search("/nowhere"), mentions: "/nowhere")
  }

  @Test("A picture finds itself")
  func picture() throws {
    let path = collection.pictures + "/picture-02.jpg"
    let hits = try search(path, "--json").objects(PictureLine.self)
    #expect(hits[0].path == "picture-02.jpg" && hits[0].cosine > 0.999)
    #expect(hits[1].cosine < hits[0].cosine)
    let relative = BlipProcess(
      ["search", "picture-02.jpg", "--index", collection.index, "--paths", "-k", "1"],
      launcher: ["env", "-C", collection.pictures])
    #expect(relative.outcome().lines == [path])
  }

  @Test("A picture that is not there is an error, not a text")
  func missingPicture() {
    expectFailure(search("./missing.jpg"), mentions: "./missing.jpg")
  }

  @Test(
    "A query of 10,000 characters: what the model does not read of it is said",
    arguments: [
      (String(repeating: "stripes ", count: 1250), "30 words"),
      (String(repeating: "x", count: 10_000), "none of the words"),
    ])
  func longQuery(query: String, note: String) throws {
    let outcome = search(query, "--json")
    #expect(outcome.status == 0)
    #expect(try outcome.objects(PictureLine.self).count == 4)
    #expect(outcome.warnings.count == 1 && outcome.errors.contains(note))
  }

  @Test("A query without words is an error")
  func noWords() {
    expectFailure(search("!!!"), mentions: "!!!")
  }

  @Test("A reader that has seen enough ends it quietly")
  func brokenPipe() {
    let command = #""$0" search "a wall" --index "$1" --json -k 4 | true; echo ${PIPESTATUS[0]}"#
    let outcome = BlipProcess(
      [collection.index], launcher: ["bash", "-c", command]
    ).outcome()
    #expect(outcome.status == 0 && outcome.warnings.isEmpty)
    #expect(["0", "141"].contains(outcome.lines.last))
  }

  @Test("Results that cannot be written are an error", .enabled(if: Checkout.has("/dev/full")))
  func fullDisk() {
    let outcome = BlipProcess(
      [collection.index],
      launcher: ["bash", "-c", #""$0" search "a wall" --index "$1" > /dev/full"#]
    ).outcome()
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.warnings.count == 1 && outcome.errors.contains("No space left"))
  }

  @Test(
    "Photographs are found by what they show",
    .enabled(if: Checkout.has(flickr8k), "needs ../shared/data/flickr8k-dev"))
  func photographs() throws {
    struct Entry: Decodable {
      let image: String
      let caption: [String]
    }
    let entries = try Array(
      readJSON([Entry].self, flickr8k + "/captions.json").prefix(8))
    let collection = Collection(pictures: 0)
    for entry in entries {
      collection.add(
        entry.image.split(separator: "/").last.map(String.init)!,
        readBytes(flickr8k + "/" + entry.image))
    }
    #expect(collection.update().status == 0)
    var found = 0
    for entry in entries {
      let outcome = blip(
        "search", entry.caption[1], "--index", collection.index, "--paths", "-k", "3")
      let name = entry.image.split(separator: "/").last!
      if outcome.lines.contains(where: { $0.hasSuffix(name) }) { found += 1 }
    }
    // Chance is three of eight.
    #expect(found >= 6)
  }
}
