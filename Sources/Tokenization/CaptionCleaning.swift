/// BLIP's clean-up of a caption before it is tokenised (`pre_caption` in its code): small letters,
/// `. ! " ( ) * # : ; ~` to spaces, runs of two and more white spaces to one space, no line breaks
/// at the end, no spaces around, at most `maximumWords` words (what stands between single spaces).
/// Small letters and white space are Python's, in which BLIP did it.
public func cleanCaption(_ text: String, maximumWords: Int = 30) -> String {
  var cleaned: [Unicode.Scalar] = []
  var space: Unicode.Scalar?
  for scalar in pythonLowercased(text) {
    let scalar = isCleanedAway(scalar) ? " " : scalar
    if isPythonSpace(scalar) {
      // One white space stays what it is, several become a space.
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

private func isCleanedAway(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar {
  case ".", "!", "\"", "(", ")", "*", "#", ":", ";", "~": true
  default: false
  }
}

/// `str.isspace`, which is `\s` of `re`: Unicode's white space and four ASCII separators.
private func isPythonSpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x20, 0x09...0x0D, 0x1C...0x1F: true
  case 0x80...: scalar.properties.isWhitespace
  default: false
  }
}

/// `str.lower`: each scalar's full mapping, and Σ at a word's end to ς (The Unicode Standard, 3.13,
/// Final_Sigma), which Swift's `lowercased` leaves out.
private func pythonLowercased(_ text: String) -> [Unicode.Scalar] {
  let scalars = Array(text.unicodeScalars)
  var small: [Unicode.Scalar] = []
  small.reserveCapacity(scalars.count)
  for (place, scalar) in scalars.enumerated() {
    if scalar.isASCII {
      let isCapital = "A"..."Z" ~= scalar
      small.append(isCapital ? Unicode.Scalar(UInt8(scalar.value | 0x20)) : scalar)
    } else if scalar == "Σ" {
      small.append(endsWord(scalars, place) ? "ς" : "σ")
    } else {
      small += scalar.properties.lowercaseMapping.unicodeScalars
    }
  }
  return small
}

/// Whether a letter stands before `place` and none behind it, whatever is case-ignorable between.
private func endsWord(_ scalars: [Unicode.Scalar], _ place: Int) -> Bool {
  let before = scalars[..<place].last { !$0.properties.isCaseIgnorable }
  let after = scalars[(place + 1)...].first { !$0.properties.isCaseIgnorable }
  return before?.properties.isCased == true && after?.properties.isCased != true
}
