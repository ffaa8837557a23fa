package import BLIP
import Checkpoints
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
