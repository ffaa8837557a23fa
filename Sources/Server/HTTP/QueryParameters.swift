internal import HTTPTypes
internal import Hummingbird

/// The parameters in a request's address, decoded as HTML forms encode them. What a request may not have is refused,
/// so that a misspelt filter is not passed over.
struct QueryParameters {
  /// A parameter, in the order of the address.
  private let all: [(name: String, value: String)]

  /// The most parameters of a request.
  private static let most = 256

  /// - Parameters:
  ///   - known: The parameters that the request may have.
  ///   - repeated: Those of them that it may have several times.
  init(
    _ request: Request, known: Set<String>, repeated: Set<String> = []
  ) throws(Problem) {
    try self.init(request.uri.query ?? "", known: known, repeated: repeated)
  }

  init(_ query: String, known: Set<String>, repeated: Set<String> = []) throws(Problem) {
    var pairs: [(name: String, value: String)] = []
    for part in query.utf8.split(separator: UInt8(ascii: "&")) {
      let end = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
      let name = try Self.decoded(part[..<end])
      let value = end == part.endIndex ? "" : try Self.decoded(part[part.index(after: end)...])
      pairs.append((name, value))
    }
    try self.init(pairs, known: known, repeated: repeated)
  }

  init(
    _ pairs: [(name: String, value: String)], known: Set<String>, repeated: Set<String> = []
  ) throws(Problem) {
    var seen: Set<String> = []
    guard pairs.count <= Self.most else {
      throw Problem(.badRequest, "a request has at most \(Self.most) parameters")
    }
    for (name, _) in pairs {
      guard known.contains(name) || repeated.contains(name) else {
        throw Problem(
          .badRequest,
          "there is no parameter '\(name.prefix(60))'; there are "
            + known.union(repeated).sorted().joined(separator: ", "))
      }
      guard seen.insert(name).inserted || repeated.contains(name) else {
        throw Problem(.badRequest, "the parameter '\(name)' can be given once only")
      }
    }
    all = pairs
  }

  /// A parameter that can be given once; nil where it is not.
  func text(_ name: String) -> String? { all.first { $0.name == name }?.value }

  /// The values of a parameter that can be repeated.
  func texts(_ name: String) -> [String] { all.filter { $0.name == name }.map(\.value) }

  /// A whole number; nil where it is not given.
  func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
    guard let text = text(name) else { return nil }
    guard let value = Int(text), "\(value)" == text, range.contains(value) else {
      throw Problem(
        .badRequest,
        "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A number; nil where it is not given.
  func number(_ name: String) throws(Problem) -> Double? {
    guard let text = text(name) else { return nil }
    guard let value = Self.decimal(text) else {
      throw Problem(.badRequest, "\(name) must be a number")
    }
    return value
  }

  /// A number in decimal digits: hexadecimal ones and the like are none that a person means.
  static func decimal(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ "0123456789.eE+-".utf8.contains($0) }), let value = Double(text),
      value.isFinite
    else { return nil }
    return value
  }

  /// `true` or `false`; false where it is not given.
  func flag(_ name: String) throws(Problem) -> Bool {
    switch text(name) {
    case nil, "false": return false
    case "true": return true
    default: throw Problem(.badRequest, "\(name) must be true or false")
    }
  }

  /// What the request asks for, but for some parameters: the same for the same search.
  func key(without names: Set<String>) -> String {
    all.filter { !names.contains($0.name) }
      .map { "\($0.name.utf8.count):\($0.name)\($0.value.utf8.count):\($0.value)" }.sorted()
      .joined()
  }

  private static func decoded(_ text: Substring.UTF8View) throws(Problem) -> String {
    var bytes: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        let digits = rest.prefix(2)
        guard digits.count == 2, digits.allSatisfy(isHexadecimal),
          let value = UInt8(String(Substring(digits)), radix: 16)
        else { throw undecodable }
        bytes.append(value)
        rest = rest.dropFirst(2)
      default: bytes.append(byte)
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw undecodable
    }
    return text
  }

  private static func isHexadecimal(_ digit: UInt8) -> Bool {
    Character(Unicode.Scalar(digit)).isHexDigit
  }

  private static let undecodable = Problem(
    .badRequest, "the address is not UTF-8 text with percent encoding")
}
