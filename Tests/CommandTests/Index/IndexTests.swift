import Files
import Glibc
import TestSupport
import Testing

@Suite("blip index")
struct IndexTests {
  @Test("--rebuild makes the vector index anew; the answers stay")
  func rebuild() throws {
    let collection = Collection(pictures: 3)
    collection.update()
    func answers() -> String {
      blip("search", "stripes", "--index", collection.index, "--json").output
    }
    let before = answers()
    let outcome = collection.update("--rebuild", "--recall", "0.95")
    #expect(outcome.status == 0 && outcome.output.contains("unchanged  3"))
    #expect(answers() == before)
  }

  /// The numbers of the summary by their names.
  private func summary(_ outcome: Outcome) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: outcome.lines.map { line in
        let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
        return (parts[0], parts[1].trimmed)
      })
  }

  @Test("Indexes new and changed pictures, drops vanished ones, leaves the others alone")
  func update() throws {
    let collection = Collection(pictures: 3, captions: true)
    let first = collection.update("--name", "drawings")
    #expect(first.status == 0, "\(first.errors)")
    let begun = summary(first)
    #expect(begun["found"] == "3" && begun["added"] == "3" && begun["failed"] == "0")
    #expect(begun["texts"] == "3" && begun["index"] == collection.index)
    #expect(begun["time"]?.contains("pictures/s") == true)

    collection.add("picture-00.jpg", Drawing.jpeg(7, width: 80))
    collection.add("new.jpg", Drawing.jpeg(8))
    collection.remove("picture-01.jpg")
    let second = summary(collection.update())
    #expect(second["found"] == "3" && second["added"] == "1" && second["changed"] == "1")
    #expect(second["unchanged"] == "1" && second["vanished"] == "1")

    let third = summary(collection.update())
    #expect(third["unchanged"] == "3" && third["added"] == "0" && third["changed"] == "0")
    #expect(third["vanished"] == "0" && third["time"]?.contains("pictures/s") == false)

    let info = try collection.info()
    #expect(info.name == "drawings" && info.pictures == 3 && info.texts == 2)
  }

  @Test("Some failures: listed with their reasons, kept in the index, exit 3 where they were found")
  func failures() throws {
    let collection = Collection(pictures: 2)
    collection.add("notes.jpg", Array("this is a text\n".utf8))
    collection.add("empty.png", [])
    collection.add("cut.jpg", Array(Drawing.jpeg(5, width: 400, height: 300).prefix(3000)))
    collection.add("huge.png", Drawing.hugePNG)
    let outcome = collection.update()
    #expect(outcome.status == 3)
    #expect(
      outcome.errorLines.last?.hasPrefix(
        "blip: WARNING: 4 of 6 pictures, more than a tenth of the collection") == true)
    #expect(summary(outcome)["added"] == "2" && summary(outcome)["failed"] == "4")
    for name in ["notes.jpg", "empty.png", "cut.jpg", "huge.png"] {
      let line = outcome.errorLines.first { $0.hasPrefix("  \(name): ") }
      #expect((line?.count ?? 0) > name.count + 10, "a reason for \(name) in \(outcome.errors)")
    }
    #expect(outcome.errors.contains("60000"))

    let info = try collection.info()
    #expect(info.pictures == 2 && info.failures == 4)
    #expect(info.failed.map(\.path) == ["cut.jpg", "empty.png", "huge.png", "notes.jpg"])

    let again = collection.update()
    #expect(again.status == 0 && summary(again)["failed"] == "0, and 4 in earlier runs")
  }

  @Test("Pictures of every format are decoded, those of large codecs in processes of their own")
  func formats() throws {
    let collection = Collection(pictures: 0)
    var names = [
      "rgb-raw.tif", "palette.gif", "lossy.webp", "rgb420.heic", "rgb420.avif", "rgb.png",
    ]
    for name in names {
      collection.add(name, readBytes("\(Checkout.root)/Tests/ImagesTests/Fixtures/\(name)"))
    }
    let rarer = ["rgb.jp2", "rgb.jxl", "camera-preview.dng", "swapped.jpg"]
    for name in rarer {
      collection.add(name, readBytes("\(Checkout.root)/Tests/ImagesTests/FormatFixtures/\(name)"))
    }
    names += rarer
    collection.add("damaged.tif", readBytes("\(collection.pictures)/rgb-raw.tif").dropLast(99))
    let outcome = collection.update()
    #expect(outcome.status == 3, "\(outcome.errors)")
    #expect(outcome.errorLines.last == "blip: 1 of 11 pictures could not be indexed")
    let info = try collection.info()
    #expect(info.pictures == names.count)
    #expect(info.failed.map(\.path) == ["damaged.tif"])
    #expect(info.failed.first?.reason.contains("TIFF") == true)
    #expect(abs((info.failed.first?.when ?? 0) - time(nil)) < 600)
    // A query is decoded by the program itself: the same picture is at cosine 1.
    for name in names {
      let hits = try blip(
        "search", "\(collection.pictures)/\(name)", "-k", "1", "--json", "--index",
        collection.index
      ).objects(PictureLine.self)
      #expect(hits.first.map { $0.cosine > 0.9999 } == true, "\(name)")
    }
  }

  @Test("A second run waits for the first, says so, and then finds its work done")
  func twoWriters() throws {
    let collection = Collection(pictures: 3)
    let first = HeldIndexing(of: collection)
    let second = BlipProcess(["index", collection.pictures, "--index", collection.index])
    for _ in 0..<3000 where !second.errors.contains("waiting for it to finish") { usleep(20_000) }
    #expect(second.errors.contains("process \(first.process.id) is writing this index"))
    #expect(first.outcome().status == 0)
    let outcome = second.outcome()
    #expect(outcome.status == 0)
    #expect(summary(outcome)["unchanged"] == "3")
  }

  @Test("Most of a collection gone: nothing is dropped, exit 1, and the words that drop it")
  func massDeletion() throws {
    let collection = Collection(pictures: 0)
    let drawing = Drawing.jpeg(0)
    for number in 0..<103 { collection.add("\(number).jpg", drawing) }
    collection.update()
    for number in 1..<103 { collection.remove("\(number).jpg") }
    let outcome = collection.update()
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("102 indexed pictures, most of the index, are missing from"))
    #expect(try collection.info().pictures == 103)
    #expect(summary(collection.update("--allow-vanished"))["vanished"] == "102")
    #expect(try collection.info().pictures == 1)
  }

  @Test("More failures than fit are counted")
  func manyFailures() {
    let collection = Collection(pictures: 1)
    for number in 10..<35 { collection.add("bad-\(number).jpg", [1, 2, 3]) }
    let outcome = collection.update()
    #expect(outcome.status == 3)
    #expect(outcome.errorLines.count { $0.hasPrefix("  bad-") } == 20)
    #expect(outcome.errors.contains("and 5 more"))
  }

  @Test("Not one picture could be indexed: exit 1")
  func allFailed() {
    let collection = Collection(pictures: 0)
    collection.add("notes.jpg", Array("this is a text\n".utf8))
    for _ in 0..<2 {
      let outcome = collection.update()
      #expect(outcome.status == 1)
      #expect(outcome.errorLines.last?.hasPrefix("blip: none of the pictures") == true)
    }
  }

  @Test("An empty folder is an error, and leaves an index as it is")
  func emptyFolder() throws {
    let collection = Collection(pictures: 1)
    #expect(collection.update().status == 0)
    collection.remove("picture-00.jpg")
    expectFailure(collection.update(), mentions: collection.pictures)
    #expect(try collection.info().pictures == 1)
  }

  @Test("A missing folder, and a file for a folder, are errors that make no index")
  func missingFolder() {
    let collection = Collection(pictures: 1)
    expectFailure(
      blip("index", "/none/such", "--index", collection.index), mentions: "/none/such", "folder")
    let file = collection.pictures + "/picture-00.jpg"
    expectFailure(blip("index", file, "--index", collection.index), mentions: file, "not a folder")
    #expect(!Checkout.has(collection.index))
  }

  @Test("--exclude leaves out, --features stores patch features; both stay with the index")
  func options() throws {
    let collection = Collection(pictures: 3)
    #expect(collection.update("--exclude", "*-02.jpg", "--features", "int8").status == 0)
    #expect(try collection.info().pictures == 2)
    #expect(collection.update().status == 0)
    #expect(try collection.info().pictures == 2)
    #expect(collection.update("--no-exclude").status == 0)
    let info = try collection.info()
    #expect(info.pictures == 3 && info.features == "int8")
    expectFailure(
      collection.update("--features", "bf16"), mentions: "int8", "bf16", collection.index)
  }

  @Test("--precision stays with the index; another one is refused, and changes nothing")
  func precision() throws {
    let collection = Collection(pictures: 1)
    #expect(collection.update("--precision", "bf16").status == 0)
    #expect(try collection.info().precision == "bf16")
    collection.add("new.jpg", Drawing.jpeg(9))
    expectFailure(
      collection.update("--precision", "int8"), mentions: "bf16", "int8", "--precision bf16",
      collection.index)
    #expect(try collection.info().pictures == 1)
    #expect(collection.update().status == 0)
    #expect(collection.update("--precision", "auto").status == 0)
    let info = try collection.info()
    #expect(info.pictures == 2 && info.precision == "bf16")
  }

  @Test("--captions gives pictures their texts")
  func captions() throws {
    let collection = Collection(pictures: 2)
    let file = collection.folder.write(
      "captions.json",
      Array(#"[{"image": "picture-01.jpg", "caption": ["one", "two words"]}]"#.utf8))
    #expect(collection.update("--captions", file).status == 0)
    #expect(try collection.info().texts == 2)
    expectFailure(collection.update("--captions", "/none/c.json"), mentions: "/none/c.json")
  }

  @Test("The index is made where $BLIP_HOME says, with its folders")
  func home() {
    let collection = Collection(pictures: 1)
    let home = collection.folder.path + "/deep/home"
    let outcome = blip("index", collection.pictures, environment: ["BLIP_HOME": home])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(Checkout.has(home + "/indexes/default/data.mdb"))
    #expect(blip("info", environment: ["BLIP_HOME": home]).status == 0)
  }

  @Test("A picture that vanishes while indexing is a failure; the others are indexed")
  func vanishing() throws {
    let collection = Collection(pictures: 3)
    let run = HeldIndexing(of: collection)
    collection.remove("picture-01.jpg")
    let outcome = run.outcome()
    #expect(outcome.status == 3)
    #expect(try collection.info().pictures == 2)
    #expect(outcome.errors.contains("  picture-01.jpg: No such file"))

    let again = summary(collection.update())
    #expect(again["unchanged"] == "2" && again["failed"] == "0")
  }

  @Test(
    "A file that may not be read is a failure; the others are indexed",
    .enabled(if: Unprivileged.launcher != nil, "needs a user without privileges"))
  func unreadable() throws {
    let collection = Collection(pictures: 2)
    chmod(collection.folder.path, 0o777)
    chmod(collection.folder.parent, 0o711)
    chmod(collection.pictures + "/picture-00.jpg", 0)
    let outcome = blip(
      "index", collection.pictures, "--index", collection.index,
      launcher: Unprivileged.launcher ?? [])
    #expect(outcome.status == 3, "\(outcome.errors)")
    #expect(outcome.errors.contains("  picture-00.jpg: Permission denied"))
    #expect(summary(outcome)["added"] == "1" && summary(outcome)["failed"] == "1")
  }

  @Test("Texts and pictures with hostile names are shown without their control characters")
  func hostileNames() throws {
    let collection = Collection(pictures: 1)
    collection.add("bad\u{1B}[31m\nname.jpg", [1])
    let outcome = collection.update()
    #expect(outcome.status == 3 && !outcome.errors.contains("\u{1B}"))
    #expect(outcome.errors.contains("  bad\u{FFFD}[31m\u{FFFD}name.jpg: "))
  }
}

/// How to run a program as somebody who may not read everything.
enum Unprivileged {
  /// Nothing for a person who is not root; for root `setpriv`, where `nobody` can run the binary.
  static let launcher: [String]? = {
    if geteuid() != 0 { return [] }
    let launcher = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    guard Checkout.has("/usr/bin/setpriv"), blip("--version", launcher: launcher).status == 0
    else { return nil }
    return launcher
  }()
}
