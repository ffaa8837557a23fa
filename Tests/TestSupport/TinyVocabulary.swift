/// The words that the tiny model knows; it spells all others, letter by letter.
enum TinyVocabulary {
  /// A token a line, as in a `vocab.txt`. [DEC] and [ENC] are the two ids behind the last line, as
  /// in BLIP's own vocabulary.
  static let text = tokens.joined(separator: "\n") + "\n"

  static let tokens: [String] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + marks + letters
    + letters.map { "##\($0)" } + words

  private static let marks = "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~".map { String($0) }
  private static let letters = "0123456789abcdefghijklmnopqrstuvwxyz".map { String($0) }
  private static let words =
    """
    the of on in with and at by an two three one is under man woman dog cat bird boy girl person \
    ball beach bicycle snow ground sky water grass street picture photo red blue green white black \
    yellow bands blocks stripes pattern standing sitting running runs playing wearing holding
    """.split(separator: " ").map { String($0) }
}
