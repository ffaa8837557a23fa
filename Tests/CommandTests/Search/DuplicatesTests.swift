import FoundationEssentials
import Glibc
import Images
import TestSupport
import Testing

@Suite("blip duplicates")
struct DuplicatesTests {
  /// Mosaics 1 to 3; of the first a copy, and one in a folder with a recompressed one.
  private static let collection: Collection = {
    let collection = Collection(pictures: 0)
    for folder in ["backup", "web"] { mkdir("\(collection.pictures)/\(folder)", 0o755) }
    for number in 1...3 { collection.add("\(number).jpg", Drawing.mosaic(number)) }
    collection.add("backup/1.jpg", Drawing.mosaic(1))
    let picture = try! ImageDecoder().decode(Drawing.mosaic(1), forSide: nil).picture
    collection.add("web/1.jpg", picture.resized(width: 48, height: 36).jpeg(quality: 80))
    let outcome = collection.update("--features", "none")
    precondition(outcome.status == 0, outcome.errors)
    return collection
  }()

  private struct Group: Decodable {
    struct Picture: Decodable {
      let path, location: String
      let width, height, bytes: Int
      let sharpness: Float
      let copy: Bool
    }
    let pictures: [Picture]
  }

  private func duplicates(_ arguments: String...) -> Outcome {
    BlipProcess(["duplicates", "--index", Self.collection.index] + arguments).outcome()
  }

  @Test("Groups as JSON, the largest first")
  func json() throws {
    let outcome = duplicates("--json")
    #expect(outcome.status == 0)
    let groups = try outcome.objects(Group.self)
    #expect(groups.count == 1)
    let pictures = try #require(groups.first?.pictures)
    #expect(Set(pictures.prefix(2).map(\.path)) == ["1.jpg", "backup/1.jpg"])
    #expect(pictures.map(\.copy) == [false, true, false])
    #expect(pictures.last?.path == "web/1.jpg" && pictures.last?.width == 48)
    #expect(
      pictures.allSatisfy { $0.location == Self.collection.pictures + "/" + $0.path })
  }

  @Test("A table and a summary; --paths leaves out the first of each group")
  func text() {
    let outcome = duplicates()
    #expect(outcome.status == 0 && outcome.lines.count == 3)
    #expect(outcome.lines[0].contains("64×48") && outcome.lines[1].hasSuffix("(copy)"))
    #expect(outcome.errors.contains("1 group; all but the first of each: 2 pictures"))
    let paths = duplicates("--paths")
    #expect(paths.lines.count == 2)
    #expect(paths.lines.contains { $0 == Self.collection.pictures + "/web/1.jpg" })
  }

  @Test("A folder of the collection alone; one without pictures is an error")
  func folder() {
    let outcome = duplicates("web")
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    #expect(outcome.errors == "blip: no near-identical pictures\n")
    let none = duplicates("none")
    #expect(none.status == 1 && none.errors.contains("none") && none.output.isEmpty)
    #expect(duplicates("").status == 64 && duplicates("--json", "--paths").status == 64)
  }

  @Test("--html writes a page of all groups")
  func page() throws {
    let file = Self.collection.folder.path + "/page.html"
    #expect(duplicates("--html", file).status == 0)
    let page = try String(contentsOf: URL(filePath: file), encoding: .utf8)
    #expect(page.components(separatedBy: "<figure ").count == 4 && page.contains("64×48"))
  }

  @Test("A search shows them as one result, --all one by one")
  func search() throws {
    func search(_ arguments: String...) -> Outcome {
      BlipProcess(
        ["search", "a mosaic", "--rerank", "0", "--index", Self.collection.index] + arguments
      ).outcome()
    }
    struct Line: Decodable {
      struct Alike: Decodable { let path, location: String }
      let path: String
      let alike: [Alike]?
    }
    let hits = try search("--json").objects(Line.self)
    #expect(hits.count == 3)
    let group = try #require(hits.first { $0.alike != nil })
    #expect(
      Set([group.path] + group.alike!.map(\.path)) == ["1.jpg", "backup/1.jpg", "web/1.jpg"])
    #expect(search().output.contains("+2 alike"))
    #expect(search("--all", "--json").lines.count == 5)
    #expect(!search("--all").output.contains("alike"))
  }
}
