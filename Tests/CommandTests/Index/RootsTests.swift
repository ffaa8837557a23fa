import Glibc
import TestSupport
import Testing

@Suite("Several folders in an index, and blip roots")
struct RootsTests {
  private struct Root: Decodable, Equatable {
    let root: String
    let pictures, failures: Int
    let present: Bool
  }

  @Test("Folders are added, listed, moved and removed; one that is not there loses nothing")
  func roots() throws {
    let (first, second) = (Collection(pictures: 2), Collection(pictures: 3))
    second.add("bad.jpg", [1])
    let index = first.index
    func update(_ arguments: String...) -> Outcome {
      BlipProcess(["index"] + arguments + ["--index", index]).outcome()
    }
    #expect(update(first.pictures).status == 0)
    let other = update(second.pictures)
    #expect(other.status == 1 && other.errors.contains("name a folder of the index too"))
    let both = update(first.pictures, second.pictures)
    #expect(both.status == 3, "\(both.errors)")
    #expect(both.output.contains("added      3") && both.output.contains("unchanged  2"))
    func listed() throws -> [Root] {
      try blip("roots", "--index", index, "--json").objects(Root.self)
    }
    #expect(
      try listed() == [
        Root(root: first.pictures, pictures: 2, failures: 0, present: true),
        Root(root: second.pictures, pictures: 3, failures: 1, present: true),
      ])
    let hits = try blip("search", "stripes", "--index", index, "--json", "--all")
      .objects(PictureLine.self)
    #expect(hits.count == 5 && hits.allSatisfy { $0.path == $0.location })
    let filtered = blip(
      "search", "stripes", "--index", index, "--paths", "--under", second.pictures, "--all")
    #expect(filtered.lines.count == 3)

    let place = second.folder.path + "/elsewhere"
    rename(second.pictures, place)
    let absent = update(first.pictures, second.pictures)
    #expect(absent.status == 3, "\(absent.errors)")
    #expect(absent.errors.contains("\(second.pictures) is not there or is empty"))
    #expect(blip("roots", "--index", index).output.contains("\(second.pictures)  (not there)"))
    expectFailure(
      blip("roots", "move", "/none", place, "--index", index), mentions: "/none", second.pictures)
    #expect(blip("roots", "move", second.pictures, place, "--index", index).status == 0)
    #expect(try listed().map(\.root) == [first.pictures, place])
    #expect(update(place).output.contains("unchanged  3"))
    expectFailure(update(first.pictures, first.folder.path), mentions: "lies in")

    let removed = blip("roots", "remove", first.pictures, "--index", index)
    #expect(removed.status == 0 && removed.errors.contains("removed 2 pictures"))
    #expect(try listed().map(\.pictures) == [3])
    #expect(blip("check", "--index", index).status == 0)
    expectFailure(blip("roots", "remove", place, "--index", index), mentions: "only folder")
  }
}
