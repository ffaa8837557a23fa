/// Reads the bytes of a pickle in order; reading past the end throws.
struct PickleInput {
  private let bytes: [UInt8]
  private var place = 0
  /// The offset of the current opcode, for messages.
  private var opcodePlace = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// An error at the current opcode.
  func failure(_ reason: String) -> PickleError {
    PickleError(reason: "\(reason) (byte \(opcodePlace))")
  }

  mutating func opcode() throws(PickleError) -> PickleOpcode {
    opcodePlace = place
    let byte = try byte()
    guard let opcode = PickleOpcode(rawValue: byte) else {
      throw failure("\(byte) is not an opcode")
    }
    return opcode
  }

  mutating func byte() throws(PickleError) -> UInt8 {
    let start = place
    try skip(1)
    return bytes[start]
  }

  mutating func skip(_ count: Int) throws(PickleError) {
    guard 0...(bytes.count - place) ~= count else { throw failure("it is truncated") }
    place += count
  }

  /// Up to 8 bytes, little-endian.
  mutating func bits(bytes count: Int) throws(PickleError) -> UInt64 {
    let start = place
    try skip(count)
    return bytes[start..<place].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// An unsigned integer of `count` bytes.
  mutating func number(bytes count: Int) throws(PickleError) -> Int {
    guard let number = Int(exactly: try bits(bytes: count)) else {
      throw failure("a number is too large")
    }
    return number
  }

  /// `count` bytes of UTF-8.
  mutating func text(_ count: Int) throws(PickleError) -> String {
    let start = place
    try skip(count)
    guard let text = String(validating: bytes[start..<place], as: UTF8.self) else {
      throw failure("a string is not UTF-8")
    }
    return text
  }

  /// The bytes up to the next newline.
  mutating func line() throws(PickleError) -> String {
    guard let end = bytes[place...].firstIndex(of: 0x0A) else { throw failure("it is truncated") }
    let text = try text(end - place)
    try skip(1)
    return text
  }
}
