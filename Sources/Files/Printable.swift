/// The text with everything replaced by U+FFFD that would steer a terminal or break a line: control
/// characters, line separators and changes of direction. Names and captions come from outside.
package func printable(_ text: some StringProtocol) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: result.append("\u{FFFD}")
    default: result.append(scalar)
    }
  }
  return String(result)
}

/// The same for a path, whose bytes need not be UTF-8: those that are not become U+FFFD.
package func printable(_ path: [UInt8]) -> String {
  printable(String(decoding: path, as: UTF8.self))
}

/// "1 picture", "2 pictures".
package func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
  "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}
