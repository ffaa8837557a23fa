internal import Checkpoints
internal import FoundationEssentials
public import Retrieval

/// A server of the Model Context Protocol (revision 2025-06-18, and those before it back to 2024-11-05): messages in,
/// answers out, whatever carries them. It offers tools, and keeps nothing between messages.
public struct AssistantServer: Sendable {
  private let tools: AssistantTools

  /// The revisions that it speaks; the newest is offered to a client that asks for another one.
  static let revisions = ["2025-06-18", "2025-03-26", "2024-11-05"]

  /// A server of an index that is open.
  public init(_ index: PictureIndex) {
    self.init(PictureService(index: index, admission: Admission(running: 2, waiting: 32)))
  }

  init(_ service: PictureService) { tools = AssistantTools(service: service) }

  /// The answer to a message, JSON on one line; nil for one that has none.
  public func answer(to message: [UInt8]) async -> String? {
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(message)) else {
      return failure(.null, -32700, "the message is not JSON")
    }
    guard case .string(let method)? = value["method"] else {
      // The answer to a request that this server never sends, or no message at all.
      let isAnswer = value["result"] != nil || value["error"] != nil
      return isAnswer ? nil : failure(value["id"] ?? .null, -32600, "the message has no method")
    }
    guard let id = value["id"], id != .null else { return nil }
    let parameters = value["params"] ?? .object([:])
    switch method {
    case "initialize": return result(id, initialization(parameters))
    case "ping": return result(id, .object([]))
    case "tools/list": return result(id, .object([("tools", AssistantTools.list)]))
    case "tools/call":
      guard case .string(let name)? = parameters["name"] else {
        return failure(id, -32602, "params must name a tool")
      }
      let arguments = parameters["arguments"] ?? .object([:])
      guard let answer = await tools.call(name, arguments) else {
        return failure(id, -32602, "there is no tool '\(name.prefix(60))'")
      }
      return result(id, answer)
    default: return failure(id, -32601, "there is no method '\(method.prefix(60))'")
    }
  }

  private func initialization(_ parameters: JSONValue) -> JSONOutput {
    var revision = Self.revisions[0]
    if case .string(let wanted)? = parameters["protocolVersion"], Self.revisions.contains(wanted) {
      revision = wanted
    }
    return .object([
      ("protocolVersion", .string(revision)), ("capabilities", .object([("tools", .object([]))])),
      ("serverInfo", .object([("name", .string("blip")), ("version", .string("0.1.0"))])),
      (
        "instructions",
        .string(
          "Searches a collection of pictures by what they show, by their captions and by their names. "
            + "Describe in English what a picture shows; look at a result with the tool picture.")
      ),
    ])
  }

  private func result(_ id: JSONValue, _ result: JSONOutput) -> String {
    JSONOutput.object([("jsonrpc", .string("2.0")), ("id", id.output), ("result", result)]).text
  }

  private func failure(_ id: JSONValue, _ code: Int, _ message: String) -> String {
    JSONOutput.object([
      ("jsonrpc", .string("2.0")), ("id", id.output),
      ("error", .object([("code", .integer(code)), ("message", .string(message))])),
    ]).text
  }
}

extension JSONValue {
  /// The id of a request as it is returned: a string, a number, or null.
  fileprivate var output: JSONOutput? {
    switch self {
    case .string(let text): .string(text)
    case .integer(let integer): .integer(integer)
    case .number(let number): .number(number)
    default: .null
    }
  }
}
