/// Cleans a caption before tokenisation, as `pre_caption` in BLIP's code does: lower-cases it,
/// replaces `. ! " ( ) * # : ; ~` by spaces, collapses runs of two or more whitespace characters
/// into one space, strips trailing line breaks and surrounding spaces, and keeps at most
/// `maximumWords` words (separated by single spaces). Case mapping and whitespace are defined as in
/// Python.
public func cleanCaption(_ text: String, maximumWords: Int = 30) -> String {
  var cleaned: [Unicode.Scalar] = []
  var space: Unicode.Scalar?
  for scalar in pythonLowercased(text) {
    let scalar = isReplacedBySpace(scalar) ? " " : scalar
    if isPythonSpace(scalar) {
      // A single whitespace character is kept; several become a space.
      space = space == nil ? scalar : " "
    } else {
      if let space { cleaned.append(space) }
      space = nil
      cleaned.append(scalar)
    }
  }
  if let space, space != "\n" { cleaned.append(space) }
  if cleaned.last == " " { cleaned.removeLast() }
  var rest = cleaned[...]
  if rest.first == " " { rest.removeFirst() }

  var result = String.UnicodeScalarView()
  var words = 1
  for scalar in rest {
    if scalar == " " { words += 1 }
    if words > maximumWords { break }
    result.append(scalar)
  }
  return String(result)
}

private func isReplacedBySpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar {
  case ".", "!", "\"", "(", ")", "*", "#", ":", ";", "~": true
  default: false
  }
}

/// `str.isspace`, the same as `\s` in `re`: Unicode whitespace and four ASCII separators.
private func isPythonSpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x20, 0x09...0x0D, 0x1C...0x1F: true
  case 0x80...: scalar.properties.isWhitespace
  default: false
  }
}

/// `str.lower`: each scalar's full case mapping, and final Σ to ς (The Unicode Standard, 3.13,
/// Final_Sigma), which Swift's `lowercased` does not do.
private func pythonLowercased(_ text: String) -> [Unicode.Scalar] {
  let scalars = Array(text.unicodeScalars)
  var lowercased: [Unicode.Scalar] = []
  lowercased.reserveCapacity(scalars.count)
  for (place, scalar) in scalars.enumerated() {
    if scalar.isASCII {
      let isCapital = "A"..."Z" ~= scalar
      lowercased.append(isCapital ? Unicode.Scalar(UInt8(scalar.value | 0x20)) : scalar)
    } else if scalar == "Σ" {
      lowercased.append(endsWord(scalars, place) ? "ς" : "σ")
    } else {
      lowercased += scalar.properties.lowercaseMapping.unicodeScalars
    }
  }
  return lowercased
}

/// Whether a cased letter precedes `place` and none follows, skipping case-ignorable characters.
private func endsWord(_ scalars: [Unicode.Scalar], _ place: Int) -> Bool {
  let before = scalars[..<place].last { !$0.properties.isCaseIgnorable }
  let after = scalars[(place + 1)...].first { !$0.properties.isCaseIgnorable }
  return before?.properties.isCased == true && after?.properties.isCased != true
}
