internal import Checkpoints

/// A JSON value to be written; an object's members keep their order.
enum JSONOutput {
  case string(String)
  case integer(Int)
  case boolean(Bool)
  case float(Float)
  case array([JSONOutput])
  case object([(key: String, value: JSONOutput?)])

  /// The value on one line; members of an object without a value are left out.
  var text: String {
    switch self {
    case .string(let string): return jsonString(string)
    case .integer(let integer): return "\(integer)"
    case .boolean(let boolean): return "\(boolean)"
    // The shortest digits that read back as the same number; JSON has no word for the others.
    case .float(let float): return float.isFinite ? "\(float)" : "null"
    case .array(let values): return "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .object(let members):
      let written = members.compactMap { member in
        member.value.map { jsonString(member.key) + ": " + $0.text }
      }
      return "{" + written.joined(separator: ", ") + "}"
    }
  }
}
