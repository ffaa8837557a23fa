extension UInt8 {
  package static let dot = UInt8(ascii: ".")
  package static let slash = UInt8(ascii: "/")
  package static let newline = UInt8(ascii: "\n")
  /// A space, tab, or line end.
  package var isWhiteSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
