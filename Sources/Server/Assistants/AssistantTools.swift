internal import Checkpoints
internal import FoundationEssentials
internal import HTTPTypes
internal import Retrieval

/// The tools of assistants: searches of the index, and looks at its pictures.
struct AssistantTools: Sendable {
  let service: PictureService

  /// Results where the assistant does not say how many.
  private static let usualCount = 10

  /// The tools with what they take.
  static let list = JSONOutput.array([
    tool(
      "search", "Find pictures by what they show, by their captions and by their names.",
      [
        "q": text(
          "What the pictures show, in English: a dog on a beach. Terms can be combined: a beach + at night - people."
        )
      ]
      .merging(filters) { $1 }, required: ["q"]),
    tool(
      "similar", "Find pictures that look like a picture of the index.",
      ["picture": pictureID].merging(filters) { $1 }, required: ["picture"]),
    tool(
      "match", "Find texts that describe a picture: those of the index, or the given ones.",
      ["picture": pictureID, "text": texts("Compare with these texts."), "limit": limit],
      required: ["picture"]),
    tool(
      "caption", "Generate a caption of a picture of the index.", ["picture": pictureID],
      required: ["picture"]),
    tool(
      "picture", "Look at a picture of the index: the picture itself, and what is known of it.",
      ["picture": pictureID], required: ["picture"]),
  ])

  /// The answer of a tool; what went wrong is an answer too, which the assistant can act on. Nil where there is no such
  /// tool.
  func call(_ name: String, _ arguments: JSONValue) async -> JSONOutput? {
    do {
      switch name {
      case "search": return .toolAnswer(try await search(arguments).json)
      case "similar": return .toolAnswer(try await similar(arguments).json)
      case "match": return .toolAnswer(try await match(arguments))
      case "caption":
        let parameters = try parameters(arguments, known: ["picture"])
        let caption = try await service.caption(PictureParameter.source(parameters, service))
        return .toolAnswer(.object([("caption", .string(caption))]))
      case "picture": return try await picture(arguments)
      default: return nil
      }
    } catch {
      return .object([
        ("content", .array([.textContent(Problem(error).detail)])), ("isError", .boolean(true)),
      ])
    }
  }

  private func search(_ arguments: JSONValue) async throws -> SearchAnswer {
    let parameters = try parameters(
      arguments, known: SearchRequest.filterParameters.union(["q", "limit"]),
      repeated: SearchRequest.repeatedFilterParameters)
    return try await service.search(request(parameters, first: nil))
  }

  private func similar(_ arguments: JSONValue) async throws -> SearchAnswer {
    let parameters = try parameters(
      arguments, known: SearchRequest.filterParameters.union(["picture", "limit"]),
      repeated: SearchRequest.repeatedFilterParameters)
    let picture = try PictureParameter.source(parameters, service)
    return try await service.search(request(parameters, first: picture))
  }

  private func request(
    _ parameters: QueryParameters, first: PictureSource?
  ) throws -> SearchRequest {
    var request = try SearchRequest(parameters, first: first) { try service.uploaded($0) }
    if parameters.text("limit") == nil { request.options.count = Self.usualCount }
    return request
  }

  private func match(_ arguments: JSONValue) async throws -> JSONOutput {
    let parameters = try parameters(arguments, known: ["picture", "limit"], repeated: ["text"])
    let hits = try await service.match(
      PictureParameter.source(parameters, service), texts: parameters.texts("text"),
      count: parameters.integer("limit", in: 1...200) ?? Self.usualCount)
    return .object([("results", .array(hits.map(\.json)))])
  }

  private func picture(_ arguments: JSONValue) async throws -> JSONOutput {
    let parameters = try parameters(arguments, known: ["picture"])
    let id = try SearchRequest.pictureID(parameters.text("picture") ?? "", "picture")
    let picture = try await service.picture(id)
    let small = try await service.thumbnail(id, .large)
    return .object([
      (
        "content",
        .array([
          .object([
            ("type", .string("image")), ("mimeType", .string("image/webp")),
            ("data", .string(Data(small).base64EncodedString())),
          ]),
          .textContent(picture.json.text),
        ])
      )
    ])
  }

  /// The arguments of a tool as the parameters of a request: an assistant asks for what a program asks for.
  private func parameters(
    _ arguments: JSONValue, known: Set<String>, repeated: Set<String> = []
  ) throws(Problem) -> QueryParameters {
    guard case .object(let members) = arguments else {
      throw Problem(.badRequest, "the arguments must be an object")
    }
    var pairs: [(name: String, value: String)] = []
    for (name, value) in members.sorted(by: { $0.key < $1.key }) {
      let values: [JSONValue] = if case .array(let values) = value { values } else { [value] }
      for value in values {
        switch value {
        case .string(let text): pairs.append((name, text))
        case .integer(let integer): pairs.append((name, "\(integer)"))
        case .number(let number): pairs.append((name, "\(number)"))
        case .bool(let bool): pairs.append((name, "\(bool)"))
        default: throw Problem(.badRequest, "'\(name.prefix(60))' must be text or a number")
        }
      }
    }
    return try QueryParameters(pairs, known: known, repeated: repeated)
  }
}
