import Images
import Retrieval
import Testing

@testable import Server

@Suite("A search that a request asks for") struct SearchRequestTests {
  private func request(_ query: String) throws -> SearchRequest {
    let parameters = try QueryParameters(
      query,
      known: SearchRequest.filterParameters.union(SearchRequest.pageParameters)
        .union(["q", "rerank", "min_match"]),
      repeated: SearchRequest.repeatedFilterParameters.union(["like", "unlike", "upload"]))
    return try SearchRequest(parameters) { .contents([], name: $0) }
  }

  @Test("has the terms of its text, and pictures beside them")
  func terms() throws {
    let request = try request("q=a+beach+%2B+1.5*at+night+-+people&like=7&unlike=8&upload=ab")
    #expect(
      request.expression.terms == [
        .init(.text("a beach")), .init(.text("at night"), weight: 1.5),
        .init(.text("people"), weight: -1), .init(.picture(.indexed(7))),
        .init(.picture(.indexed(8)), weight: -1), .init(.picture(.contents([], name: "ab"))),
      ])
  }

  @Test("has the filters of blip search")
  func filters() throws {
    let filter = try request(
      "q=a&under=x&not_under=x%2Fy&since=2024&until=2024-05&camera=nikon&near=48.8,2.3&within=3"
        + "&type=jpg&type=png&shape=portrait&has=captions"
    ).options.filter
    var wanted = PictureFilter()
    wanted.folders = ["x"]
    wanted.excludedFolders = ["x/y"]
    wanted.since = CalendarPeriod("2024")
    wanted.until = CalendarPeriod("2024-05")
    wanted.camera = "nikon"
    wanted.area = .init(latitude: 48.8, longitude: 2.3, kilometers: 3)
    wanted.formats = [.jpeg, .png]
    wanted.shape = .portrait
    wanted.properties = [.captions]
    #expect(filter == wanted)
  }

  @Test(
    "is refused where a part of it is wrong",
    arguments: [
      "", "q=+", "q=a+%2B", "like=x", "like=-1", "q=a&limit=0", "q=a&limit=201", "q=a&cursor=5",
      "q=a&cursor=p10000", "q=a&since=2024-13", "q=a&near=91,0", "q=a&within=3", "q=a&type=doc",
      "q=a&shape=round", "q=a&has=face", "q=a&min_match=2", "q=a&under=", "unlike=3",
    ])
  func refusals(query: String) {
    #expect(throws: (any Error).self) { try request(query) }
  }

  @Test("goes on where its cursor says, up to the most results")
  func cursors() throws {
    let first = try request("q=a&limit=20")
    #expect(first.offset == 0 && first.nextCursor == "p20")
    let second = try request("q=a&limit=20&cursor=p20")
    #expect(second.offset == 20 && second.nextCursor == "p40" && second.key == first.key)
    #expect(try request("q=a&limit=200&cursor=p9800").nextCursor == nil)
  }
}
