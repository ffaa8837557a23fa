/// JSON as lenient programs write it, made strict: outside strings NaN, Infinity and -Infinity (which
/// Python writes) become null; in strings, escapes of lone surrogates become that of U+FFFD.
///
/// It grows by a third at most.
struct MendedJSON {
  private(set) var bytes: ArraySlice<UInt8>
  private(set) var replacesSurrogates = false

  init(_ source: ArraySlice<UInt8>) {
    bytes = source
    var mended: [UInt8] = []
    var (position, copied) = (source.startIndex, source.startIndex)
    var isInString = false
    func replace(_ count: Int, by replacement: String) {
      mended += source[copied..<position]
      mended += Array(replacement.utf8)
      position += count
      copied = position
    }
    while position < source.endIndex {
      let byte = source[position]
      if byte == UInt8(ascii: "\"") {
        isInString.toggle()
        position += 1
      } else if isInString {
        guard byte == UInt8(ascii: "\\") else {
          position += 1
          continue
        }
        switch Self.surrogate(source, at: position) {
        case .none: position = min(position + 2, source.endIndex)
        case .pair: position += 12
        case .lone:
          replacesSurrogates = true
          replace(6, by: "\\ufffd")
        }
      } else if "NI-".utf8.contains(byte),
        let token = Self.tokens.first(where: {
          byte == $0[0] && source[position...].starts(with: $0)
        })
      {
        replace(token.count, by: "null")
      } else {
        position += 1
      }
    }
    if copied > source.startIndex { bytes = (mended + source[copied...])[...] }
  }

  private static let tokens = ["NaN", "Infinity", "-Infinity"].map { Array($0.utf8) }

  private enum Surrogate { case none, pair, lone }

  /// What kind of surrogate begins with the backslash at a position.
  private static func surrogate(_ source: ArraySlice<UInt8>, at position: Int) -> Surrogate {
    switch unit(source, at: position) {
    case .some(0xD800..<0xDC00):
      let second = unit(source, at: position + 6) ?? 0
      return 0xDC00..<0xE000 ~= second ? .pair : .lone
    case .some(0xDC00..<0xE000): return .lone
    default: return .none
    }
  }

  /// The number of an escape `\uXXXX`.
  private static func unit(_ source: ArraySlice<UInt8>, at position: Int) -> UInt16? {
    guard source.endIndex - position >= 6, source[position] == UInt8(ascii: "\\"),
      source[position + 1] == UInt8(ascii: "u")
    else { return nil }
    var unit: UInt16 = 0
    for byte in source[position + 2..<position + 6] {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }
}
