import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// Pictures with captions, in a file of their own.
private struct NoisySet {
  let folder = TemporaryFolder()
  let captions: String
  static let texts = ["a red square", "two dogs on a beach", "a man rides a horse"]

  init(pictures: Int = 3) {
    let records = (0..<pictures).map { number in
      let list = Self.texts.map { "\"\($0)\"" }.joined(separator: ", ")
      return "{\"image\": \"\(number).jpg\", \"caption\": [\(list)]}"
    }
    for number in 0..<pictures { folder.write("\(number).jpg", Drawing.jpeg(number)) }
    captions = folder.write(
      "captions.json", Array("[\(records.joined(separator: ", "))]".utf8))
  }

  func path(_ name: String) -> String { "\(folder.path)/\(name)" }
}

private struct FilteredLine: Decodable, Equatable {
  let image, caption, source: String
  let probability: Float?
  let reason: String?
}

private func list(_ path: String) throws -> [FilteredLine] {
  try JSONDecoder().decode([FilteredLine].self, from: Data(readBytes(path)))
}

@Suite("blip filter")
struct FilterTests {
  @Test("Every text is kept or dropped by its probability, which is that of blip match")
  func partition() throws {
    let set = NoisySet()
    let (kept, dropped) = (set.path("kept.json"), set.path("dropped.jsonl"))
    func filter(_ threshold: String) throws -> (kept: [FilteredLine], dropped: [FilteredLine]) {
      let outcome = blip(
        "filter", set.captions, "--images", set.folder.path, "--kept", kept, "--dropped", dropped,
        "--threshold", threshold)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let lines = try String(decoding: readBytes(dropped), as: UTF8.self).split(separator: "\n")
        .map { try JSONDecoder().decode(FilteredLine.self, from: Data($0.utf8)) }
      return (try list(kept), lines)
    }
    let all = try filter("0").kept
    #expect(all.count == 9 && all.map(\.image) == (0..<9).map { "\($0 / 3).jpg" })
    let probabilities = try all.map { try #require($0.probability) }
    let middle = probabilities.sorted()[4]
    let (above, below) = try filter("\(middle)")
    #expect(above == all.filter { $0.probability! > middle })
    #expect(below.map(\.caption) == all.filter { $0.probability! <= middle }.map(\.caption))
    #expect(below.count == 5 && below.allSatisfy { $0.reason != nil && $0.source == "web" })

    struct Match: Decodable {
      let text: String
      let probability: Float
    }
    let matches = try blip(
      "match", set.path("1.jpg"), "--text", NoisySet.texts[0], "--text", NoisySet.texts[1],
      "--json"
    ).objects(Match.self)
    for match in matches {
      let same = try #require(all.first { $0.image == "1.jpg" && $0.caption == match.text })
      #expect(abs(same.probability! - match.probability) < 1e-4)
    }
  }

  @Test("An interrupted run resumes after the last complete line of its log, with the same results")
  func resumed() throws {
    let set = NoisySet()
    let (kept, log) = (set.path("kept.json"), set.path("kept.json.scores.jsonl"))
    func filter(_ options: String...) -> Outcome {
      let arguments = [
        "filter", set.captions, "--kept", kept, "--dropped", set.path("dropped.json"),
      ]
      return BlipProcess(arguments + options).outcome()
    }
    let first = filter("--threshold", "0")
    #expect(first.status == 0 && !first.errors.contains("already"), "\(first.errors)")
    let (complete, scores) = (readBytes(kept), readBytes(log))
    #expect(try list(kept).count == 9 && scores.count { $0 == UInt8(ascii: "\n") } == 3)

    // As if it had been killed while writing the second line.
    unlink(kept)
    set.folder.write(
      "kept.json.scores.jsonl", scores.prefix(scores.firstIndex(of: UInt8(ascii: "\n"))! + 20))
    #expect(filter("--threshold", "0").errors.contains("blip: 1 picture already scored\n"))
    #expect(readBytes(kept) == complete && readBytes(log) == scores)

    // Another threshold scores nothing again; a picture that has changed is scored again.
    #expect(filter("--threshold", "1").errors.contains("blip: 3 pictures already scored\n"))
    #expect(try list(kept).isEmpty && list(set.path("dropped.json")).count == 9)
    set.folder.write("1.jpg", Drawing.jpeg(7))
    #expect(filter("--threshold", "0").errors.contains("blip: 2 pictures already scored\n"))
    #expect(readBytes(kept) != complete)

    expectFailure(filter("--precision", "int8"), mentions: log, "another file")
  }

  @Test("The scores of an index's texts are logged too, those of synthetic captions included")
  func resumedIndex() throws {
    let collection = Collection(pictures: 2, captions: true)
    collection.update()
    let captioned = blip(
      "caption", "--index", collection.index, "--beams", "1", "--max-length", "8")
    #expect(captioned.status == 0, "\(captioned.errors)")
    let kept = collection.folder.path + "/kept.json"
    func filter() -> Outcome {
      blip("filter", "--index", collection.index, "--threshold", "0", "--kept", kept)
    }
    #expect(!filter().errors.contains("already scored"))
    let lines = try list(kept)
    #expect(lines.map(\.source) == ["sidecar", "synthetic", "sidecar", "synthetic"])
    #expect(filter().errors.contains("blip: 2 pictures already scored\n"))
    #expect(try list(kept) == lines)
  }

  @Test("A picture that cannot be read keeps none of its texts, and it is said why")
  func unread() throws {
    let set = NoisySet(pictures: 2)
    set.folder.write("1.jpg", Array("no picture".utf8))
    let dropped = set.path("dropped.json")
    let outcome = blip("filter", set.captions, "--dropped", dropped, "--threshold", "0")
    #expect(outcome.status == 3, "\(outcome.errors)")
    let lines = try list(dropped)
    #expect(lines.count == 3 && lines.allSatisfy { $0.image == "1.jpg" })
    #expect(lines.allSatisfy { $0.probability == nil && $0.reason!.contains("1.jpg") })
  }
}

@Suite("blip capfilt")
struct CapFiltTests {
  private func capFilt(_ set: NoisySet, _ arguments: String...) -> Outcome {
    BlipProcess(["capfilt", set.captions, "--out", set.path("set.json")] + arguments).outcome()
  }

  @Test("The set holds web and synthetic texts above the threshold, and people's as they are")
  func sources() throws {
    let set = NoisySet()
    let human = set.folder.write(
      "human.json", Array(#"[{"image": "2.jpg", "caption": "what a person wrote"}]"#.utf8))
    let outcome = capFilt(set, "--threshold", "0", "--human", human)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let all = try list(set.path("set.json"))
    #expect(all.filter { $0.source == "web" }.count == 9)
    let synthetic = all.filter { $0.source == "synthetic" }
    #expect(synthetic.map(\.image) == ["0.jpg", "1.jpg", "2.jpg"])
    #expect(
      all.last
        == FilteredLine(
          image: "2.jpg", caption: "what a person wrote", source: "human", probability: nil,
          reason: nil))

    // Another threshold looks at no picture again.
    let middle = all.compactMap(\.probability).sorted()[6]
    let again = capFilt(set, "--threshold", "\(middle)")
    #expect(again.errors.contains("3 pictures already scored"))
    #expect(try list(set.path("set.json")) == all.filter { $0.probability ?? 0 > middle })

    // The set is a captions file.
    let collection = blip(
      "index", set.folder.path, "--index", set.path("index"), "--captions", set.path("set.json"))
    #expect(collection.status == 0, "\(collection.errors)")
  }

  @Test("A run that was stopped goes on behind the last whole line, to the same set")
  func resumed() throws {
    let set = NoisySet()
    #expect(capFilt(set).status == 0)
    let (whole, scores) = (
      readBytes(set.path("set.json")), readBytes(set.path("set.json.scores.jsonl"))
    )
    let cut = scores.firstIndex(of: UInt8(ascii: "\n"))! + 20
    set.folder.write("set.json.scores.jsonl", scores.prefix(cut))
    #expect(capFilt(set).errors.contains("1 picture already scored"))
    #expect(readBytes(set.path("set.json")) == whole)
    #expect(readBytes(set.path("set.json.scores.jsonl")) == scores)
    expectFailure(capFilt(set, "--seed", "2"), mentions: "set.json.scores.jsonl", "another file")
    #expect(readBytes(set.path("set.json.scores.jsonl")) == scores)

    // A picture whose captions are others is looked at again.
    let text = String(decoding: readBytes(set.captions), as: UTF8.self)
    let other = text.split(separator: "a red square", maxSplits: 1).joined(separator: "a blue one")
    set.folder.write("captions.json", Array(other.utf8))
    #expect(capFilt(set).errors.contains("2 pictures already scored"))
  }

  @Test("A picture that cannot be read is said, dropped and tried again")
  func unread() throws {
    let set = NoisySet(pictures: 2)
    set.folder.write("1.jpg", Array("no picture".utf8))
    let first = capFilt(set, "--threshold", "0")
    #expect(first.status == 3 && first.errors.contains("1.jpg"))
    #expect(try list(set.path("set.json")).allSatisfy { $0.image == "0.jpg" })
    set.folder.write("1.jpg", Drawing.jpeg(1))
    #expect(capFilt(set, "--threshold", "0").errors.contains("1 picture already scored"))
    #expect(try list(set.path("set.json")).contains { $0.image == "1.jpg" })
  }

  @Test(
    "What cannot be meant is a usage error",
    arguments: [
      ["c.json"], ["c.json", "--out", "c.json"], ["c.json", "--out", "d", "--threshold", "2"],
    ])
  func usage(_ arguments: [String]) {
    #expect(BlipProcess(["capfilt"] + arguments).outcome().status == 64)
  }
}
