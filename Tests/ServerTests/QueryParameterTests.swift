import Testing

@testable import Server

@Suite("Parameters of a request") struct QueryParameterTests {
  @Test("are decoded as HTML forms encode them")
  func decoding() throws {
    let parameters = try QueryParameters(
      "q=a+dog%20%26%20caf%C3%A9&under=a&under=b%2Fc&all=true&limit=7",
      known: ["q", "all", "limit"],
      repeated: ["under"])
    #expect(parameters.text("q") == "a dog & café")
    #expect(parameters.texts("under") == ["a", "b/c"])
    #expect(try parameters.flag("all"))
    #expect(try parameters.integer("limit", in: 1...10) == 7)
    #expect(try parameters.integer("cursor", in: 1...10) == nil)
  }

  @Test(
    "that are unknown, repeated or undecodable are refused",
    arguments: ["x=1", "q=a&q=b", "q=%", "q=%4", "q=%zz", "q=%FF", "q=%00", "%71=a&q=b"])
  func refusals(query: String) {
    #expect(throws: Problem.self) { try QueryParameters(query, known: ["q"]) }
  }

  @Test(
    "that are no numbers in their range are refused",
    arguments: ["0", "11", "-1", "1.5", "", " 3", "١", "99999999999999999999"])
  func numbers(text: String) throws {
    let parameters = try QueryParameters([("limit", text)], known: ["limit"])
    #expect(throws: Problem.self) { try parameters.integer("limit", in: 1...10) }
  }

  @Test("of the same search have the same key, whatever their order, and of others another")
  func keys() throws {
    func key(_ query: String) throws -> String {
      try QueryParameters(query, known: ["q", "cursor"], repeated: ["under"])
        .key(without: ["cursor"])
    }
    #expect(try key("q=a&under=b&cursor=p5") == key("under=b&q=a"))
    #expect(try key("q=a&under=b") != key("q=ab"))
    #expect(try key("q=a&under=1:b") != key("q=a&under=1&under=b"))
  }
}
