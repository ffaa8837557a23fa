package import BLIP
import Checkpoints
internal import Files
internal import Store
internal import Tokenization

/// A text as a model reads it.
public struct TextQuery: Sendable {
  /// The most ids that BLIP reads of a text, `[CLS]` and `[SEP]` among them.
  private static let maximumLength = 35

  /// The text as it was given.
  public let text: String
  /// Whether the model reads only its beginning: 30 words, or 33 tokens.
  public let isTruncated: Bool
  /// Whether it is written in words that the model knows.
  public let language: TextLanguage
  /// Whether it is a phrase and no sentence: it has at most `HitCalibration.longestPhrase` words.
  package let isPhrase: Bool
  /// `[CLS] … [SEP]`
  let tokens: [Int32]

  /// Tokenises a text; one without words is an error.
  package init(_ text: String, model: BLIPModel) throws(RetrievalError) {
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw RetrievalError(.emptyQuery, "an empty query; say what the picture shows")
    }
    tokens = model.tokens(of: text)
    guard tokens.count > 2 else {
      throw RetrievalError(
        .emptyQuery, "no words in the query '\(text.prefix(80))'; say what the picture shows")
    }
    self.text = text
    isPhrase = Self.isPhrase(text)
    isTruncated = Self.isTruncated(text, to: tokens.count, model.tokenizer)
    language = TextLanguage(of: text, tokens: tokens, model.tokenizer)
  }

  /// Whether a text has at most `HitCalibration.longestPhrase` words.
  package static func isPhrase(_ text: String) -> Bool {
    text.split(whereSeparator: \.isWhitespace).count <= HitCalibration.longestPhrase
  }

  /// Whether a text has more tokens than the model reads of it.
  private static func isTruncated(
    _ text: String, to count: Int, _ tokenizer: WordPieceTokenizer
  ) -> Bool {
    let whole = cleanCaption(text, maximumWords: .max)
    guard count == maximumLength || whole.utf8.count > cleanCaption(text).utf8.count else {
      return false
    }
    return tokenizer.encode(whole, maximumLength: maximumLength + 1).count > count
  }
}

extension TextQuery {
  /// What the user should know if the model does not read the text as it was written, or does not understand
  /// it; a sentence each.
  public var notes: [String] {
    var notes: [String] = []
    if isTruncated {
      notes.append(
        "the text is too long; the model reads only its first 30 words (or 33 tokens)")
    }
    guard language.isForeign else { return notes }
    let shown = printable(text.count > 60 ? text.prefix(60) + "…" : text[...])
    let words = language.wordCount == 1 ? "1 word" : "\(language.wordCount) words"
    let known = "\(language.knownCount) of \(words)"
    if let other = language.other {
      notes.append(
        "'\(shown)' seems to be in \(other); the model knows English (here \(known)), so that the"
          + " results mean little")
    } else if language.knownCount == 0 {
      notes.append("the model knows none of the words in '\(shown)'; the results mean little")
    } else {
      notes.append("the model knows only \(known) in '\(shown)'; the results mean little")
    }
    return notes
  }
}
