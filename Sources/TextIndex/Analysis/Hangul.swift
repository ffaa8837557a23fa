/// The text with syllables in place of their letters (The Unicode Standard, 3.12): file names written by
/// macOS have the letters.
func withComposedHangul(_ text: String) -> String {
  let scalars = text.unicodeScalars
  guard scalars.contains(where: { 0x1100...0x1112 ~= $0.value }) else { return text }
  var result: [UInt32] = []
  for scalar in scalars {
    let value = scalar.value
    switch (result.last, value) {
    case (let lead?, 0x1161...0x1175) where 0x1100...0x1112 ~= lead:
      result[result.count - 1] = 0xAC00 + (lead - 0x1100) * 588 + (value - 0x1161) * 28
    case (let syllable?, 0x11A8...0x11C2)
    where 0xAC00...0xD7A3 ~= syllable && (syllable - 0xAC00) % 28 == 0:
      result[result.count - 1] = syllable + value - 0x11A7
    default: result.append(value)
    }
  }
  var composed = String.UnicodeScalarView()
  composed.append(contentsOf: result.compactMap(Unicode.Scalar.init))
  return String(composed)
}
