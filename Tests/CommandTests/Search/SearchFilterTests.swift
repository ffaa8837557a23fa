import Glibc
import TestSupport
import Testing

@Suite("The filters of blip search")
struct SearchFilterTests {
  /// What a hit tells of its file.
  private struct Line: Decodable {
    let path: String
    let type: String
    let width: Int
    let height: Int
    let modified: String
    let taken: String?
    let camera: String?
    let captions: [String]?
  }

  private let collection: Collection

  init() {
    collection = Collection(pictures: 2, captions: true)
    for (folder, size) in [("tall", (48, 96)), ("tall/old", (40, 80)), ("wide", (96, 48))] {
      mkdir(collection.pictures + "/" + folder, 0o755)
      let path = collection.add(
        folder + "/a.jpg", Drawing.jpeg(folder.count, width: size.0, height: size.1))
      // 2001-09-09, or 2020-09-13.
      let seconds = folder == "tall/old" ? 1_000_000_000 : 1_600_000_000
      var times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
      utimensat(AT_FDCWD, path, &times, 0)
    }
    collection.update()
  }

  private func search(_ options: String...) -> Outcome {
    BlipProcess(
      ["search", "stripes", "--rerank", "0", "--index", collection.index, "--json"] + options
    ).outcome()
  }

  @Test("are combined, and each hit tells what they see")
  func combined() throws {
    func paths(_ outcome: Outcome) throws -> Set<String> {
      #expect(outcome.status == 0 && outcome.warnings.isEmpty, "\(outcome.errors)")
      return Set(try outcome.objects(Line.self).map(\.path))
    }
    #expect(try paths(search("--portrait")) == ["tall/a.jpg", "tall/old/a.jpg"])
    #expect(try paths(search("--landscape", "--not-under", "tall", "--type", "jpg")).count == 3)
    #expect(try paths(search("--under", "tall/old", "--under", "wide")).count == 2)
    #expect(try paths(search("--has", "captions", "-k", "1")).count == 1)
    #expect(
      try paths(search("--since", "2001-09", "--until", "2001-09-10")) == ["tall/old/a.jpg"])
    #expect(
      try paths(search("--under", "tall", "--not-under", "tall/old", "--until", "2020"))
        == ["tall/a.jpg"])

    let hit = try #require(try search("--until", "2001").objects(Line.self).first)
    #expect(hit.type == "jpeg" && hit.width == 40 && hit.height == 80)
    #expect(hit.modified == "2001-09-09T01:46:40Z" && hit.taken == nil && hit.camera == nil)
  }

  @Test(
    "that leave nothing say so in one line",
    arguments: [
      (["--camera", "leica"], "--camera leica left none of 5 pictures"),
      (["--portrait", "--since", "2021"], "--since 2021 left none of 2 pictures"),
      (["--near", "-33.9,151.2", "--within", "5"], "--near -33.9,151.2 --within 5.0"),
    ])
  func nothing(options: [String], mentions: String) {
    let outcome = BlipProcess(
      ["search", "stripes", "--index", collection.index] + options
    ).outcome()
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    #expect(outcome.errorLines.count == 1 && outcome.errors.contains("no results: \(mentions)"))
  }

  @Test("name folders of the collection")
  func folders() {
    let outcome = BlipProcess(
      ["search", "stripes", "--index", collection.index, "--not-under", "tal"]
    ).outcome()
    expectFailure(outcome, mentions: "tal", collection.pictures)
  }
}
