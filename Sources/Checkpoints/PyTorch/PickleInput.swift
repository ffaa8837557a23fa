/// The bytes of a pickle, from the first to the last; reading behind the end is a refusal.
struct PickleInput {
  private let bytes: [UInt8]
  private var place = 0
  /// Where the opcode in hand stands, for messages.
  private var opcodePlace = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// A refusal at the opcode in hand.
  func refusal(_ reason: String) -> PickleRefusal {
    PickleRefusal(reason: "\(reason) (byte \(opcodePlace))")
  }

  mutating func opcode() throws(PickleRefusal) -> PickleOpcode {
    opcodePlace = place
    let byte = try byte()
    guard let opcode = PickleOpcode(rawValue: byte) else {
      throw refusal("\(byte) is no opcode")
    }
    return opcode
  }

  mutating func byte() throws(PickleRefusal) -> UInt8 {
    let start = place
    try skip(1)
    return bytes[start]
  }

  mutating func skip(_ count: Int) throws(PickleRefusal) {
    guard 0...(bytes.count - place) ~= count else { throw refusal("it is cut short") }
    place += count
  }

  /// Up to 8 bytes, little-endian.
  mutating func bits(bytes count: Int) throws(PickleRefusal) -> UInt64 {
    let start = place
    try skip(count)
    return bytes[start..<place].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A whole number from 0.
  mutating func number(bytes count: Int) throws(PickleRefusal) -> Int {
    guard let number = Int(exactly: try bits(bytes: count)) else {
      throw refusal("a number is too large")
    }
    return number
  }

  /// So many bytes of UTF-8.
  mutating func text(_ count: Int) throws(PickleRefusal) -> String {
    let start = place
    try skip(count)
    guard let text = String(validating: bytes[start..<place], as: UTF8.self) else {
      throw refusal("a string is no text")
    }
    return text
  }

  /// The rest of a line.
  mutating func line() throws(PickleRefusal) -> String {
    guard let end = bytes[place...].firstIndex(of: 0x0A) else { throw refusal("it is cut short") }
    let text = try text(end - place)
    try skip(1)
    return text
  }
}
