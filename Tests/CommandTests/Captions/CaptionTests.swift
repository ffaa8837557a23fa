import FoundationEssentials
import TestSupport
import Testing

@Suite("blip caption")
struct CaptionTests {
  /// Fewer tokens and no beams: quicker.
  private let quick = ["--beams", "1", "--max-length", "8"]

  private func caption(_ arguments: String...) -> Outcome {
    BlipProcess(["caption"] + arguments + quick).outcome()
  }

  private struct Line: Decodable, Equatable {
    let image, caption, captioner: String
  }

  @Test("Files are captioned in their order, each on a line with its name")
  func files() throws {
    let names = [2, 0, 3, 1].map { "\(Shared.collection.pictures)/\(Collection.name($0))" }
    let outcome = BlipProcess(["caption"] + names + quick).outcome()
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let lines = outcome.lines.map { $0.split(separator: "\t").map(String.init) }
    #expect(lines.map(\.first) == names)
    #expect(lines.allSatisfy { $0.count == 2 && !$0[1].isEmpty })
    let json = try BlipProcess(["caption", "--json"] + names + quick).outcome().objects(Line.self)
    #expect(json.map(\.caption) == lines.map { $0[1] })
    #expect(json.map(\.image) == names)
    #expect(json.allSatisfy { $0.captioner.contains("blip-mini") })
  }

  @Test("Draws depend on the seed and the picture alone")
  func sampling() throws {
    let names = (0..<4).map { "\(Shared.collection.pictures)/\(Collection.name($0))" }
    func sampled(_ seed: String, _ names: [String]) throws -> [String] {
      try BlipProcess(["caption", "--json", "--sample", "--seed", seed] + names).outcome()
        .objects(Line.self).map(\.caption)
    }
    let captions = try sampled("1", names)
    #expect(try sampled("1", [names[2]]) == [captions[2]])
    #expect(try sampled("2", names) != captions)
  }

  @Test("Generated captions are forgotten again, and those of people stay")
  func forgetting() throws {
    let collection = Collection(pictures: 3, captions: true)
    collection.update()
    #expect(caption("--index", collection.index).status == 0)
    let outcome = blip("caption", "--forget", "--index", collection.index)
    #expect(outcome.status == 0 && outcome.lines.first?.hasSuffix("3 generated captions") == true)
    let info = blip("info", "--index", collection.index)
    #expect(info.lines.contains { $0.hasPrefix("texts") && $0.hasSuffix(" 3") })
    #expect(blip("check", "--index", collection.index).status == 0)
    #expect(
      blip("caption", "--forget", "--index", collection.index).lines.first?
        .hasSuffix("0 generated captions") == true)
    let picture = "\(Shared.collection.pictures)/\(Collection.name(0))"
    #expect(blip("caption", picture, "--forget").status == 64)
  }

  @Test("Captions of an index are texts of it, marked, found at once, and made once")
  func index() throws {
    let collection = Collection(pictures: 3, captions: true)
    collection.update()
    let first = caption("--index", collection.index)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.lines.contains { $0.hasPrefix("captioned") && $0.hasSuffix(" 3") })
    let info = blip("info", "--index", collection.index)
    #expect(info.lines.contains { $0.hasPrefix("texts") && $0.hasSuffix("6, 3 of them synthetic") })

    struct TextLine: Decodable { let text, path: String }
    let picture = collection.pictures + "/" + Collection.name(1)
    let said = try #require(
      caption(picture).lines.first?.split(separator: "\t").last.map(String.init))
    let texts = try blip("match", picture, "--index", collection.index, "--json").objects(
      TextLine.self)
    #expect(texts.contains { $0.text == said && $0.path == Collection.name(1) })

    // A second run has nothing to do, nor does it lose anything to the indexer or the checker.
    let again = caption(collection.pictures, "--index", collection.index)
    #expect(again.lines.contains { $0.hasPrefix("unchanged") && $0.hasSuffix(" 3") })
    #expect(collection.update().status == 0)
    #expect(blip("check", "--index", collection.index).status == 0)
    #expect(
      texts.count == blip("match", picture, "--index", collection.index, "--json").lines.count)

    // Other settings replace them; a new picture is captioned alone.
    collection.add(Collection.name(7), Drawing.jpeg(7))
    collection.update()
    let one = caption("--index", collection.index)
    #expect(one.lines.contains { $0.hasPrefix("captioned") && $0.hasSuffix(" 1") })
    let other = blip(
      "caption", "--index", collection.index, "--sample", "--max-length", "8")
    #expect(other.lines.contains { $0.hasPrefix("captioned") && $0.hasSuffix(" 4") })
    let after = blip("info", "--index", collection.index)
    #expect(
      after.lines.contains { $0.hasPrefix("texts") && $0.hasSuffix("7, 4 of them synthetic") })
  }

  @Test("An export carries the mark to another index")
  func exported() throws {
    let collection = Collection(pictures: 2)
    collection.update()
    #expect(caption("--index", collection.index).status == 0)
    let (export, copy) = (collection.folder.path + "/export", collection.folder.path + "/copy")
    #expect(blip("export", export, "--index", collection.index).status == 0)
    #expect(blip("import", export, "--index", copy).status == 0)
    #expect(
      caption("--index", copy).lines.contains { $0.hasPrefix("unchanged") && $0.hasSuffix(" 2") })
  }

  @Test("A file of captions goes on behind its last whole line")
  func log() throws {
    let collection = Collection(pictures: 3)
    let out = collection.folder.path + "/captions.jsonl"
    let first = caption(collection.pictures, "--out", out)
    #expect(first.status == 0, "\(first.errors)")
    let whole = readBytes(out)
    #expect(String(decoding: whole, as: UTF8.self).split(separator: "\n").count == 3)
    // Stopped in the middle of the second line.
    let cut = whole.firstIndex(of: UInt8(ascii: "\n"))! + 20
    collection.folder.write("captions.jsonl", whole.prefix(cut))
    let second = caption(collection.pictures, "--out", out)
    #expect(second.errors.contains("1 picture already captioned"))
    #expect(readBytes(out) == whole)

    // It is a captions file.
    #expect(collection.update("--captions", out).status == 0)
    #expect(try collection.info().texts == 3)

    // Others' files stay as they are.
    expectFailure(blip("caption", collection.pictures, "--out", out), mentions: out, "another")
    #expect(readBytes(out) == whole)
    let notes = collection.folder.write("notes.txt", Array("not captions".utf8))
    expectFailure(caption(collection.pictures, "--out", notes), mentions: notes)
    #expect(readBytes(notes) == Array("not captions".utf8))
  }

  @Test("Sidecars are written where there is none")
  func sidecars() throws {
    let collection = Collection(pictures: 2)
    collection.add(Collection.name(0, "txt"), Array("mine\n".utf8))
    let outcome = caption(collection.pictures, "--sidecars")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(
      readBytes(collection.pictures + "/" + Collection.name(0, "txt")) == Array("mine\n".utf8))
    let written = readBytes(collection.pictures + "/" + Collection.name(1, "txt"))
    #expect(written.last == UInt8(ascii: "\n") && written.count > 2)
    #expect(try FileManager.default.contentsOfDirectory(atPath: collection.pictures).count == 4)
  }

  @Test("What cannot be captioned is said, and stops nothing")
  func failures() throws {
    let good = Shared.collection.pictures + "/" + Collection.name(0)
    let bad = TemporaryFolder().write("bad.jpg", Array("no picture".utf8))
    let outcome = caption(bad, good)
    #expect(outcome.status == 0 && outcome.lines.count == 1)
    #expect(outcome.errorLines.count == 1 && outcome.errors.contains(bad))
    expectFailure(caption(bad), mentions: bad)
    expectFailure(
      caption(Shared.collection.pictures, "--index", "/none"), mentions: "/none")
    let other = Collection(pictures: 1)
    expectFailure(
      caption(other.pictures, "--index", Shared.collection.index), mentions: other.pictures)

    // A picture that has changed since it was indexed, where nothing but its file is there to see.
    other.update("--features", "none")
    other.add(Collection.name(0), Drawing.jpeg(5))
    let changed = caption("--index", other.index)
    #expect(changed.status == 1 && changed.errors.contains("run blip index first"))
  }

  @Test(
    "Options that contradict each other are usage errors",
    arguments: [
      ["--sample", "--beams", "2"], ["--top-p", "0.5"], ["--sample", "--top-p", "0"],
      ["--beams", "0"], ["--max-length", "1"], ["--min-length", "9", "--max-length", "8"],
      ["--out", "x"], ["x.jpg", "--out", "x", "--sidecars"], ["x.jpg", "--index", "y"],
    ])
  func usage(_ arguments: [String]) {
    #expect(BlipProcess(["caption"] + arguments).outcome().status == 64)
  }
}
