internal import Checkpoints
internal import FoundationEssentials

/// A JSON value to write; an object's members keep their order.
public enum JSONOutput: Sendable {
  /// No value.
  case null
  /// Text.
  case string(String)
  /// A whole number.
  case integer(Int)
  /// True or false.
  case boolean(Bool)
  /// A number, in the shortest digits that are read as the same one.
  case float(Float)
  /// A number, in the shortest digits that are read as the same one.
  case number(Double)
  /// Values in their order.
  case array([JSONOutput])
  /// Members in their order; those without a value are omitted.
  case object([(key: String, value: JSONOutput?)])

  /// The value on one line.
  public var text: String {
    switch self {
    case .null: return "null"
    case .string(let string): return jsonString(string)
    case .integer(let integer): return "\(integer)"
    case .boolean(let boolean): return "\(boolean)"
    // JSON cannot represent NaN and infinity.
    case .float(let float): return float.isFinite ? "\(float)" : "null"
    case .number(let number): return number.isFinite ? "\(number)" : "null"
    case .array(let values): return "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .object(let members):
      let written = members.compactMap { member in
        member.value.map { jsonString(member.key) + ": " + $0.text }
      }
      return "{" + written.joined(separator: ", ") + "}"
    }
  }
}

extension JSONOutput {
  /// A path as members of an object: its name as a string and, if it is not UTF-8, its bytes in base64
  /// as NAME_bytes.
  public static func path(_ bytes: [UInt8], _ name: String) -> [(key: String, value: JSONOutput?)] {
    let text = String(validating: bytes, as: UTF8.self)
    return [
      (name, .string(text ?? String(decoding: bytes, as: UTF8.self))),
      (name + "_bytes", text == nil ? .string(Data(bytes).base64EncodedString()) : nil),
    ]
  }
}
