internal import Tokenization

/// Whether a text is written in words that an English model knows.
public struct TextLanguage: Sendable, Equatable {
  /// The language, or script, that the text seems to be written in where that is not English: "German",
  /// "the Cyrillic script".
  public let other: String?
  /// How many words the text has, as far as the model reads it.
  public let wordCount: Int
  /// How many of them the vocabulary knows as English words.
  public let knownCount: Int

  /// Whether a model of English understands little of the text: another language, or less than half of
  /// its words known.
  public var isForeign: Bool { other != nil || knownCount * 2 < wordCount || wordCount == 0 }

  /// Of a text and the ids that the tokenizer gave for it.
  init(of text: String, tokens: [Int32], _ tokenizer: WordPieceTokenizer) {
    let unknown = tokenizer.id(of: "[UNK]")
    let unknownCount = tokens.count { $0 == unknown }
    let words = tokenizer.words(of: tokens).filter { word in
      word[0].unicodeScalars.contains {
        $0.properties.isAlphabetic || $0.properties.numericType != nil
      }
    }
    let whole = words.map { $0.joined() }
    wordCount = words.count + unknownCount
    let script = Script.prevailing(in: text)
    other = script ?? ForeignWords.language(of: whole)
    knownCount = script == nil ? words.count { EnglishWords.contain($0, tokenizer) } : 0
  }
}

/// Scripts by ranges of Unicode.
private enum Script {
  private static let scripts: [(name: String, ranges: [ClosedRange<UInt32>])] = [
    ("Japanese", [0x3040...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9D]),
    ("Korean", [0x1100...0x11FF, 0x3130...0x318F, 0xAC00...0xD7AF]),
    (
      "Chinese or Japanese", [0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x323AF]
    ),
    ("the Cyrillic script", [0x400...0x52F, 0x1C80...0x1C8F, 0x2DE0...0x2DFF, 0xA640...0xA69F]),
    ("Greek", [0x370...0x3FF, 0x1F00...0x1FFF]),
    (
      "the Arabic script",
      [0x600...0x6FF, 0x750...0x77F, 0x8A0...0x8FF, 0xFB50...0xFDFF, 0xFE70...0xFEFF]
    ),
    ("Hebrew", [0x590...0x5FF, 0xFB1D...0xFB4F]),
    ("the Devanagari script", [0x900...0x97F]),
    ("Bengali", [0x980...0x9FF]),
    ("Tamil", [0xB80...0xBFF]),
    ("Telugu", [0xC00...0xC7F]),
    ("Thai", [0xE00...0xE7F]),
    ("Georgian", [0x10A0...0x10FF, 0x1C90...0x1CBF]),
    ("Armenian", [0x530...0x58F]),
  ]
  private static let latin: [ClosedRange<UInt32>] = [
    0x41...0x5A, 0x61...0x7A, 0xC0...0x24F, 0x1E00...0x1EFF,
  ]

  /// The script that half of the letters or more belong to; nil where that is the Latin one. A text with
  /// kana is Japanese, however many ideographs it has.
  static func prevailing(in text: String) -> String? {
    var counts = [Int](repeating: 0, count: scripts.count)
    var (latinCount, otherCount) = (0, 0)
    for scalar in text.unicodeScalars where scalar.properties.isAlphabetic {
      if latin.contains(where: { $0.contains(scalar.value) }) {
        latinCount += 1
      } else if let place = scripts.firstIndex(where: { script in
        script.ranges.contains { $0.contains(scalar.value) }
      }) {
        counts[place] += 1
      } else {
        otherCount += 1
      }
    }
    let foreign = counts.reduce(otherCount, +)
    guard foreign > 0, foreign >= latinCount else { return nil }
    if counts[0] > 0 { return scripts[0].name }
    guard let most = counts.indices.max(by: { counts[$0] < counts[$1] }), counts[most] > 0 else {
      return "another script"
    }
    return scripts[most].name
  }
}
