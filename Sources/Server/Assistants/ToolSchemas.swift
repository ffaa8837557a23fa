internal import Retrieval

// What the tools take, as JSON schemas.
extension AssistantTools {
  static func tool(
    _ name: String, _ description: String, _ properties: [String: JSONOutput], required: [String]
  ) -> JSONOutput {
    .object([
      ("name", .string(name)), ("description", .string(description)),
      (
        "inputSchema",
        .object([
          ("type", .string("object")),
          (
            "properties",
            .object(properties.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
          ), ("required", .array(required.map { .string($0) })),
          ("additionalProperties", .boolean(false)),
        ])
      ), ("annotations", .object([("readOnlyHint", .boolean(true))])),
    ])
  }

  static func text(_ description: String) -> JSONOutput { schema("string", description) }

  static func texts(_ description: String) -> JSONOutput {
    .object([
      ("type", .string("array")), ("items", .object([("type", .string("string"))])),
      ("description", .string(description)),
    ])
  }

  static let pictureID = schema(
    "integer", "The id of a picture, as the results of a search have it.")
  static let limit = schema("integer", "How many results, 10 without; 200 at most.")

  static let filters: [String: JSONOutput] = [
    "limit": limit,
    "under": texts("Only pictures in these folders of the collection."),
    "since": text("Only pictures taken on this day or later: 2024, 2024-05 or 2024-05-31."),
    "until": text("Only pictures taken until the end of this day, month or year."),
    "camera": text("Only pictures whose camera contains this text."),
    "near": text("Only pictures taken near this place: latitude,longitude in degrees."),
    "within": schema("number", "With near: how far away, in kilometers."),
    "type": texts("Only pictures of these formats, such as jpeg."),
    "shape": text("portrait or landscape."),
    "has": texts("Only pictures with captions, a location or a date."),
  ]

  private static func schema(_ type: String, _ description: String) -> JSONOutput {
    .object([("type", .string(type)), ("description", .string(description))])
  }
}

extension JSONOutput {
  /// The answer of a tool: as text, which every assistant reads, and as a value.
  static func toolAnswer(_ value: JSONOutput) -> JSONOutput {
    .object([("content", .array([.textContent(value.text)])), ("structuredContent", value)])
  }

  static func textContent(_ text: String) -> JSONOutput {
    .object([("type", .string("text")), ("text", .string(text))])
  }
}
