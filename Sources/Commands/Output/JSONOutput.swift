internal import Checkpoints

/// A JSON value to write; an object's members keep their order.
enum JSONOutput {
  case string(String)
  case integer(Int)
  case boolean(Bool)
  case float(Float)
  case number(Double)
  case array([JSONOutput])
  case object([(key: String, value: JSONOutput?)])

  /// The value on one line; members without a value are omitted.
  var text: String {
    switch self {
    case .string(let string): return jsonString(string)
    case .integer(let integer): return "\(integer)"
    case .boolean(let boolean): return "\(boolean)"
    // The shortest digits that parse to the same number; JSON cannot represent NaN and infinity.
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
  static func path(_ bytes: [UInt8], _ name: String) -> [(key: String, value: JSONOutput?)] {
    let text = String(validating: bytes, as: UTF8.self)
    return [
      (name, .string(text ?? String(decoding: bytes, as: UTF8.self))),
      (name + "_bytes", text == nil ? .string(base64(bytes)) : nil),
    ]
  }
}
