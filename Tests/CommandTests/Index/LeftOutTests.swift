import Glibc
import TestSupport
import Testing

@Suite("Files that are not read as pictures")
struct LeftOutTests {
  @Test("Captions files are told from other files")
  func captions() {
    let collection = Collection(pictures: 1)
    for (name, text) in [
      ("captions.json", #"[{"image": "a.jpg", "caption": "x"}]"#),
      ("lines.jsonl", #"{"caption": "x"}"#),
      ("results.csv", "image_name| comment_number| comment\n"), ("token.txt", "a.jpg#0\tone .\n"),
      ("list.csv", "a,b\n"), ("picture-00.jpg.json", #"{"caption": "x"}"#), ("data.json", "[1]"),
    ] {
      collection.add(name, Array(text.utf8))
    }
    let outcome = collection.update()
    #expect(outcome.output.contains("4 captions files, 3 other files"), "\(outcome.output)")
  }

  @Test("Pictures by other names are found; what is left out is counted by kind and listed")
  func leftOut() throws {
    let collection = Collection(pictures: 0)
    for (number, name) in ["a.jfif", "b.JPE", "c.mpo", "d.jpg_large", "e"].enumerated() {
      collection.add(name, Drawing.jpeg(number))
    }
    for name in ["f.mov", "g.MP4", "h.pdf", "i.ini"] { collection.add(name, [1, 2, 3]) }
    let outcome = collection.update()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try collection.info().pictures == 5)
    #expect(outcome.output.contains("2 videos, 1 PDF, 1 other file (blip info --left-out)"))
    let list = blip("info", "--index", collection.index, "--left-out")
    #expect(
      list.output.hasSuffix(
        """

        left out: 2 videos, 1 PDF, 1 other file
          f.mov: video
          g.MP4: video
          h.pdf: pdf
          i.ini: other

        """))
    struct Listing: Decodable {
      struct File: Decodable { let path, kind: String }
      let left_out: [File]?
    }
    let json = try blip("info", "--index", collection.index, "--left-out", "--json")
      .objects(Listing.self)
    #expect(json.first?.left_out?.map(\.kind) == ["video", "video", "pdf", "other"])
    let plain = try blip("info", "--index", collection.index, "--json").objects(Listing.self)
    #expect(plain.first?.left_out == nil)
  }

  @Test("Patterns, ignore files and links are kept in the settings of the index")
  func settings() throws {
    let collection = Collection(pictures: 2)
    for folder in ["album", ".hidden", "raw"] { mkdir("\(collection.pictures)/\(folder)", 0o755) }
    collection.add("album/a.jpg", Drawing.jpeg(3))
    collection.add("album/b.jpg", Drawing.jpeg(4))
    collection.add(".hidden/c.jpg", Drawing.jpeg(5))
    collection.add("raw/d.jpg", Drawing.jpeg(6))
    collection.add("album/.blipignore", Array("# not these\nb.*\n".utf8))
    let elsewhere = TemporaryFolder()
    elsewhere.write("e.jpg", Drawing.jpeg(7))
    symlink(elsewhere.path, "\(collection.pictures)/linked")
    let first = collection.update("--exclude", "/raw/")
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("1 linked folder, 1 hidden, 1 excluded, 1 ignored"))
    #expect(try collection.info().pictures == 3)

    #expect(collection.update("--follow").output.contains("added      1"))
    let again = collection.update()
    #expect(again.output.contains("found      4") && again.output.contains("unchanged  4"))
    let info = blip("info", "--index", collection.index, "--left-out")
    for line in ["  raw: excluded", "  .hidden: hidden", "  album/b.jpg: ignored"] {
      #expect(info.output.contains(line), "\(info.output)")
    }
    let settings = info.lines.first { $0.hasPrefix("settings ") }
    #expect(settings?.hasSuffix(" --exclude /raw/ --follow") == true)
    let back = collection.update("--no-exclude", "--no-follow")
    #expect(back.output.contains("added      1") && back.output.contains("vanished   1"))
    #expect(collection.update("--exclude", "[a").status == 1)
  }

  @Test(
    "A folder that may not be read is named, its pictures stay in the index, and the exit code is 3",
    .enabled(if: Unprivileged.launcher != nil, "needs a user without privileges"))
  func unreadableFolder() throws {
    let launcher = Unprivileged.launcher ?? []
    let collection = Collection(pictures: 2)
    let shut = collection.pictures + "/shut"
    mkdir(shut, 0o755)
    collection.add("shut/a.jpg", Drawing.jpeg(7))
    chmod(collection.folder.path, 0o777)
    chmod(collection.folder.parent, 0o711)
    func update() -> Outcome {
      blip("index", collection.pictures, "--index", collection.index, launcher: launcher)
    }
    #expect(update().status == 0)
    chmod(shut, 0)
    defer { chmod(shut, 0o755) }
    let outcome = update()
    #expect(outcome.status == 3, "\(outcome.errors)")
    #expect(outcome.errors.contains("shut cannot be read: Permission denied"))
    #expect(outcome.errorLines.last?.contains("1 file or folder could not be looked at") == true)
    #expect(outcome.output.contains("vanished   0"))
    #expect(try collection.info().pictures == 3)
  }
}
