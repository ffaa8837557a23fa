/// A JSON value to be written; an object's members keep their order.
enum JSONOutput {
  case string(String)
  case integer(Int)
  case float(Float)
  case array([JSONOutput])
  case object([(key: String, value: JSONOutput?)])

  /// The value on one line; members of an object without a value are left out.
  var text: String {
    switch self {
    case .string(let string): return Self.quoted(string)
    case .integer(let integer): return "\(integer)"
    // The shortest digits that read back as the same number; JSON has no word for the others.
    case .float(let float): return float.isFinite ? "\(float)" : "null"
    case .array(let values): return "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .object(let members):
      let written = members.compactMap { member in
        member.value.map { Self.quoted(member.key) + ": " + $0.text }
      }
      return "{" + written.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ string: String) -> String {
    var result = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
