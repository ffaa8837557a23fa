import Files
import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite("The query of blip search")
struct QueryTests {
  let collection = Shared.collection

  private func search(_ arguments: String...) -> Outcome {
    BlipProcess(["search", "--index", collection.index] + arguments).outcome()
  }

  private func hits(_ arguments: String...) throws -> [PictureLine] {
    let outcome = BlipProcess(
      ["search", "--index", collection.index, "--rerank", "0", "--json"] + arguments
    ).outcome()
    #expect(outcome.status == 0 && outcome.warnings.isEmpty, "\(outcome.errors)")
    return try outcome.objects(PictureLine.self)
  }

  @Test("Terms with + and -, options between them; one argument is a text whatever it holds")
  func terms() throws {
    let plain = try hits("blue stripes")
    #expect(try hits("+", "blue stripes") == plain)
    let both = try hits("blue stripes", "+", "a red wall", "-k", "4")
    let less = try hits("blue stripes", "-", "a red wall")
    #expect(both.count == 4 && less.count == 4)
    #expect(Set([plain, both, less].map { $0.map(\.cosine) }).count == 3)
    #expect(try hits("blue stripes", "-", "0.01*a red wall").map(\.path) == plain.map(\.path))
    #expect(try hits("blue - stripes") != less)
    #expect(try hits("--", "-dog").count == 4)
  }

  @Test("Pictures and texts together")
  func pictures() throws {
    let picture = collection.pictures + "/picture-02.jpg"
    let alone = try hits(picture)
    let together = try hits(picture, "+", "0.1*a red wall")
    #expect(alone[0].path == "picture-02.jpg" && together[0].path == "picture-02.jpg")
    #expect(together[0].cosine < alone[0].cosine)
    let two = try hits(picture, "+", collection.pictures + "/picture-00.jpg", "-k2")
    #expect(Set(two.map(\.path)) == ["picture-00.jpg", "picture-02.jpg"])
    let judged = search(picture, "+", "stripes", "--rerank", "2", "--json")
    #expect(try judged.objects(PictureLine.self).count { $0.itm != nil } == 2)
  }

  @Test("-k5 is -k 5, and a great number is as many as there are")
  func counts() throws {
    #expect(try hits("-k3", "stripes").count == 3)
    #expect(try hits("stripes", "-k", "20000").count == 4)
    #expect(search("stripes", "-k", "9000000000000000000", "--paths").lines.count == 4)
  }

  @Test("A file is read by its content, or is an error; never a text")
  func files() throws {
    let folder = collection.folder
    let picture = folder.write("picture.xyz", Drawing.jpeg(2))
    let notes = folder.write("notes.xyz", Array("some notes".utf8))
    #expect(try hits(picture)[0].path == "picture-02.jpg")
    expectFailure(search(notes), mentions: notes)
    expectFailure(search(folder.path), mentions: folder.path, "folder")
    expectFailure(search("./my pictures/none.png"), mentions: "./my pictures/none.png")
    expectFailure(search("stripes", "-", "../none"), mentions: "../none")
    // The same names where they are given without a path, and as texts behind a space.
    func inFolder(_ query: String) -> Outcome {
      BlipProcess(
        ["search", query, "--index", collection.index, "--paths", "-k", "1"],
        launcher: ["env", "-C", folder.path]
      ).outcome()
    }
    #expect(inFolder("picture.xyz").lines == [collection.pictures + "/picture-02.jpg"])
    expectFailure(inFolder("notes.xyz"), mentions: "notes.xyz")
    #expect(inFolder(" notes.xyz").status == 0)
    #expect(inFolder(" ./stripes").status == 0)
    // A folder's name is a text.
    #expect(inFolder("pictures").status == 0)
  }

  @Test("--text takes every argument as text, also one that names a file or looks like one")
  func text() throws {
    expectFailure(search("holiday.jpg"), mentions: "holiday.jpg", "--text")
    let notes = collection.folder.write("more.xyz", Array("some notes".utf8))
    for query in ["holiday.jpg", notes, "-", "./a"] {
      let outcome = search(query, "--text", "--rerank", "0", "--paths")
      // A dash alone has no words.
      if query == "-" { continue }
      #expect(outcome.status == 0 && outcome.lines.count == 4, "\(query): \(outcome.errors)")
    }
    #expect(try hits("holiday.jpg", "+", "stripes", "--text").count == 4)
  }

  @Test("- is a picture on standard input")
  func standardInput() throws {
    let picture = collection.pictures + "/picture-02.jpg"
    func fed(_ arguments: [String], by file: String) -> Outcome {
      BlipProcess(arguments, launcher: ["bash", "-c", "cat '\(file)' | \"$0\" \"$@\""]).outcome()
    }
    let query = ["search", "-", "--index", collection.index, "--json"]
    let outcome = fed(query, by: picture)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.objects(PictureLine.self) == hits(picture))
    let matched = fed(["match", "-", "--text", "stripes"], by: picture)
    #expect(matched.output == blip("match", picture, "--text", "stripes").output)
    expectFailure(fed(query, by: "/dev/null"), mentions: "standard input is empty")
    let notes = collection.folder.write("notes.txt", Array("some notes".utf8))
    expectFailure(fed(query, by: notes), mentions: "standard input")
    let page = collection.folder.path + "/fed.html"
    #expect(fed(query + ["--html", page], by: picture).status == 0)
  }

  @Test("--under . is the whole collection")
  func wholeCollection() throws {
    #expect(try hits("stripes", "--under", ".") == hits("stripes"))
  }

  @Test(
    "A text that the model does not understand gets one line, an English one none",
    arguments: [
      ("ein Hund am Strand", "German"), ("犬", "Chinese"), ("собака", "Cyrillic"),
      ("xxyyzz", "none of the words"), ("a dog on the beach", nil), ("frisbee", nil),
    ])
  func language(text: String, mentions: String?) throws {
    let outcome = search(text, "-k", "1", "--rerank", "0", "--json")
    #expect(outcome.status == 0)
    #expect(try outcome.objects(PictureLine.self).count == 1)
    #expect(outcome.warnings.count == (mentions == nil ? 0 : 1), "\(outcome.errors)")
    if let mentions {
      #expect(outcome.errors.hasPrefix("blip: ") && outcome.errors.contains(mentions))
    }
  }
}

@Suite("Names that are hard to write")
struct OddNameTests {
  /// Names with a byte that is not UTF-8, a control character, and a line end.
  static let names: [[UInt8]] = [
    Array("bad".utf8) + [0xFF] + Array(".jpg".utf8), Array("ctl\u{1}\u{9B}.jpg".utf8),
    Array("a\nb.jpg".utf8),
  ]

  private func indexed() throws -> Collection {
    let collection = Collection(pictures: 0)
    for (number, name) in Self.names.enumerated() {
      try FileSystem.create(
        Array("\(collection.pictures)/".utf8) + name, holding: Drawing.mosaic(number))
    }
    #expect(collection.update().status == 0)
    return collection
  }

  @Test("JSON has them whole: in its own escapes, or in base64 where they are not UTF-8")
  func json() throws {
    struct Line: Decodable {
      let path: String
      let path_bytes: Data?
      let location: String
      let location_bytes: Data?
      let cosine: Float
    }
    let collection = try indexed()
    let outcome = blip(
      "search", "stripes", "--index", collection.index, "--rerank", "0", "--json")
    let lines = try outcome.objects(Line.self)
    #expect(lines.count == 3)
    let paths = Set(lines.map { $0.path_bytes.map(Array.init) ?? Array($0.path.utf8) })
    #expect(paths == Set(Self.names))
    for line in lines {
      let location = line.location_bytes.map(Array.init) ?? Array(line.location.utf8)
      #expect((try? FileSystem.status(location)) != nil, "\(line.location)")
    }
    // Nothing that would steer a terminal.
    #expect(
      !outcome.output.unicodeScalars.contains {
        $0 != "\n" && $0.properties.generalCategory == .control
      })
  }

  @Test("An argument that is not UTF-8 is the file of that name")
  func arguments() throws {
    let collection = try indexed()
    for query in [#"search ./$'bad\xff.jpg' --json"#, #"search $'bad\xff.jpg' --json"#] {
      let outcome = BlipProcess(
        [collection.index, collection.pictures],
        launcher: ["bash", "-c", "cd \"$2\" && \"$0\" \(query) --index \"$1\" -k 1"]
      ).outcome()
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("path_bytes"))
    }
    let matched = BlipProcess(
      [collection.pictures],
      launcher: ["bash", "-c", #"cd "$1" && "$0" match $'bad\xff.jpg' --text stripes"#]
    ).outcome()
    #expect(matched.status == 0, "\(matched.errors)")
  }

  @Test("--paths -0 ends each with a NUL byte")
  func null() throws {
    let collection = try indexed()
    for flag in ["-0", "--null"] {
      let command =
        #""$0" search stripes --index "$1" --rerank 0 --paths "$2" | xargs -0 -n 1 test -e && echo ok"#
      let outcome = BlipProcess(
        [collection.index, flag], launcher: ["bash", "-c", "set -o pipefail; " + command]
      ).outcome()
      #expect(outcome.output == "ok\n", "\(outcome.errors)")
    }
  }
}
