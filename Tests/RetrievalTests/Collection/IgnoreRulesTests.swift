import Files
import Glibc
import Store
import TestSupport
import Testing

@testable import Retrieval

@Suite("Ignore files") struct IgnoreRulesTests {
  @Test(
    "leave out what they list, in their folder and below; the nearest file decides, its last line first"
  )
  func nested() throws {
    let collection = Collection()
    for name in ["a.png", "b.png", "c/a.png", "c/b.png", "c/d/b.png", "e/a.png", "e/f/g.png"] {
      collection.write(name, "")
    }
    collection.write(".blipignore", "\u{FEFF}# comment\r\nb.png\r\n/e/*\n!/e/f/\n")
    collection.write("c/.blipignore", "!b.png\na.png")
    collection.write("c/d/.blipignore", "*.png\n!*.png\n[broken\n")
    let scan = try CollectionScan(root: collection.root)
    #expect(
      scan.pictures.map { printable($0.path) } == ["a.png", "c/b.png", "c/d/b.png", "e/f/g.png"])
    #expect(
      scan.leftOut.map { printable($0.path) } == ["b.png", "c/a.png", "e/a.png"]
        && scan.leftOut.allSatisfy { $0.kind == .ignored })
    #expect(scan.excludes(Array("e/x/y.png".utf8)) && !scan.excludes(Array("e/f/y.png".utf8)))
    // The settings of the index come first.
    let other = try CollectionScan(
      root: collection.root, settings: CollectionSettings(exclude: ["c/", "!b.png"]))
    #expect(other.pictures.map { printable($0.path) } == ["a.png", "b.png", "e/f/g.png"])
  }

  @Test("that cannot be read hide their folder: nothing of it is taken, nothing is dropped")
  func unreadable() throws {
    let collection = Collection()
    for name in ["a.png", "c/b.png"] { collection.write(name, "") }
    collection.write("c/.blipignore", String(repeating: "x\n", count: 20_000))
    let scan = try CollectionScan(root: collection.root)
    #expect(scan.pictures.map { printable($0.path) } == ["a.png"])
    #expect(scan.unreadable.map { printable($0.path) } == ["c/.blipignore"])
    #expect(scan.hides(Array("c/b.png".utf8)) && !scan.hides(Array("a.png".utf8)))
  }

  @Test("Links to folders are followed where that is asked for, each folder once")
  func follow() throws {
    let (collection, elsewhere) = (Collection(), Collection())
    collection.write("z/a.png", "")
    elsewhere.write("b.png", "")
    elsewhere.write("deep/c.png", "")
    elsewhere.link("back", to: collection.path)
    elsewhere.link("round", to: ".")
    collection.link("album", to: elsewhere.path)
    collection.link("album.jpg", to: elsewhere.path + "/deep")
    collection.link("inside", to: "z")
    let scan = try CollectionScan(
      root: collection.root, settings: CollectionSettings(followsLinks: true))
    #expect(
      scan.pictures.map { printable($0.path) } == ["z/a.png", "album/b.png", "album/deep/c.png"])
    #expect(scan.leftOutCounts == [.linkedFolder: 4])
  }

  @Test(
    "Pipes and sockets are noted; twins of names and the longest names are pictures of their own")
  func oddNames() throws {
    let collection = Collection()
    let names = [
      "caf\u{E9}.png", "cafe\u{301}.png", "Upper.png", "upper.png",
      String(repeating: "x", count: 251) + ".png",
    ]
    for name in names { collection.write(Array(name.utf8), [1]) }
    #expect(mkfifo("\(collection.path)/pipe.png", 0o644) == 0)
    let scan = try CollectionScan(root: collection.root)
    #expect(Set(scan.pictures.map(\.path)) == Set(names.map { Array($0.utf8) }))
    #expect(scan.leftOutCounts == [.special: 1])
  }

  @Test(
    "mean what they mean to git",
    .enabled(if: Checkout.has("/usr/bin/git"), "needs git"))
  func likeGit() throws {
    var random = SplitMix64(seed: 27)
    for _ in 0..<60 {
      let collection = Collection()
      var paths: Set<String> = []
      for _ in 0..<30 {
        let names = (0..<Int.random(in: 1...4, using: &random)).map { _ in name(using: &random) }
        let path = names.joined(separator: "/")
        // A name is that of a file or of a folder.
        guard
          !paths.contains(where: { $0.hasPrefix(path + "/") || path.hasPrefix($0 + "/") })
        else { continue }
        paths.insert(path)
        collection.write(path, "")
      }
      var folders: Set<String> = [""]
      for path in paths {
        let parts = path.split(separator: "/").dropLast()
        for count in 0..<(parts.count + 1) {
          folders.insert(parts.prefix(count).joined(separator: "/"))
        }
      }
      var rules = try IgnoreRules([])
      var lists: [String] = []
      for folder in folders.sorted() where folder.isEmpty || Bool.random(using: &random) {
        let lines = (0..<Int.random(in: 1...5, using: &random)).map { _ in line(using: &random) }
        let place = folder.isEmpty ? "" : folder + "/"
        for file in [".gitignore", ".blipignore"] {
          collection.write(place + file, lines.joined(separator: "\n"))
        }
        try rules.readFile(
          of: Array(folder.utf8), at: joined(collection.root, Array(folder.utf8)))
        lists.append("\(place): \(lines)")
      }
      let ignored = try gitIgnored(paths.sorted(), in: collection)
      for path in paths {
        #expect(
          rules.leavesOut(Array(path.utf8)) == ignored.contains(path), "\(path), \(lists)")
      }
    }
  }

  private func name(using random: inout SplitMix64) -> String {
    String(
      (0..<Int.random(in: 1...3, using: &random)).map { _ in "ab-]".randomElement(using: &random)! }
    )
  }

  private func line(using random: inout SplitMix64) -> String {
    let parts = [
      "a", "b", "ab", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[a-b]", "[]-]", "[^]b]", "\\a",
      "\\]",
      "[[:alpha:]]", "[[:punct:]a]", "-", " ", "[", "***",
    ]
    let line = (0..<Int.random(in: 1...5, using: &random)).map { _ in
      parts.randomElement(using: &random)!
    }.joined()
    return (Int.random(in: 0..<4, using: &random) == 0 ? "!" : "") + line
      + (Int.random(in: 0..<4, using: &random) == 0 ? "/" : "")
  }

  /// Those of the paths that git ignores.
  private func gitIgnored(_ paths: [String], in collection: Collection) throws -> Set<String> {
    let list = TemporaryFolder().write("list", Array(paths.joined(separator: "\n").utf8))
    let command =
      "cd '\(collection.path)' && export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 && "
      + "git init -q && git check-ignore --no-index --stdin < '\(list)'"
    let pipe = try #require(popen(command, "r"))
    defer { pclose(pipe) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&buffer, 1, buffer.count, pipe)
      if count == 0 { break }
      output += buffer[..<count]
    }
    return Set(output.split(separator: .newline).map { String(decoding: $0, as: UTF8.self) })
  }
}
