import Tokenization

/// Which words of a text are English, as far as a WordPiece vocabulary of English can tell.
enum EnglishWords {
  /// Whether a word is in the vocabulary, is made of pieces that look like English ones, or is an everyday
  /// word that the vocabulary lacks.
  /// - Parameter pieces: The word's pieces.
  static func contain(_ pieces: [String], _ tokenizer: WordPieceTokenizer) -> Bool {
    guard pieces.count > 1 else { return true }
    // "skate" "board", "climb" "er": nonsense and foreign words fall into shorter pieces.
    if pieces[0].utf8.count >= 4 { return true }
    let word = pieces.joined()
    return split.contains(word)
      || stems(of: word).contains { split.contains($0) || tokenizer.id(of: $0) != nil }
  }

  private static let split: Set<String> = Set(
    splitEnglishWords.description.split(whereSeparator: \.isWhitespace).map(String.init))

  /// What a regular ending may have been added to.
  private static func stems(of word: String) -> [String] {
    let endings = [
      ("s", [""]), ("es", [""]), ("ies", ["y"]), ("ed", ["", "e"]), ("ing", ["", "e"]),
      ("er", ["", "e"]), ("ers", ["", "e"]), ("y", [""]),
    ]
    var stems: [String] = []
    for (ending, replacements) in endings where word.hasSuffix(ending) {
      let stem = word.dropLast(ending.count)
      guard stem.count >= 3 else { continue }
      stems += replacements.map { stem + $0 }
      // "jog", "jogging"
      if stem.count > 3, stem.last == stem.dropLast().last { stems.append(String(stem.dropLast())) }
    }
    return stems
  }
}
