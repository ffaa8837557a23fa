internal import Tokenization

/// A word of a text, and the tokens that the model reads it as.
struct AlignedWord: Equatable {
  /// As it stands in the text.
  let text: String
  /// Where it stands there: offsets in UTF-16.
  let range: Range<Int>
  /// Its tokens' places in `[CLS] … [SEP]`.
  let tokens: Range<Int>
}

extension BLIPModel {
  /// The words of a text that the model reads, in order, without punctuation: letters and digits, with
  /// the apostrophes and hyphens between them.
  /// - Parameter tokens: Those of the text, `tokens(of:)`. Words beyond its end are left out.
  func words(of text: String, as tokens: [Int32]) -> [AlignedWord] {
    var words: [AlignedWord] = []
    var next = 1
    for part in TextPart.parts(of: text) {
      let alone = self.tokens(of: part.text).dropFirst().dropLast()
      let end = next + alone.count
      // Of a text that is cut off, the last word may be cut off too.
      guard end < tokens.count, tokens[next..<end].elementsEqual(alone) else { break }
      if part.isWord, !alone.isEmpty {
        words.append(AlignedWord(text: part.text, range: part.range, tokens: next..<end))
      }
      next = end
    }
    return words
  }
}

/// A word, or a character between words that is no white space.
private struct TextPart {
  let text: String
  let range: Range<Int>
  let isWord: Bool

  static func parts(of text: String) -> [TextPart] {
    var parts: [TextPart] = []
    var rest = Substring(text)
    var offset = 0
    while let first = rest.first {
      let length = max(wordLength(rest), 1)
      let part = String(rest.prefix(length))
      let end = offset + part.utf16.count
      if !first.isWhitespace {
        parts.append(TextPart(text: part, range: offset..<end, isWord: isInWord(first)))
      }
      rest = rest.dropFirst(length)
      offset = end
    }
    return parts
  }

  /// Characters of the word that a text begins with; 0 if it begins with none.
  private static func wordLength(_ text: Substring) -> Int {
    var length = 0
    var joins = false
    for (place, character) in text.enumerated() {
      if isInWord(character) {
        length = place + 1
        joins = false
      } else if length > 0, !joins, "'’-".contains(character) {
        joins = true
      } else {
        break
      }
    }
    return length
  }

  private static func isInWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber
  }
}
