import BLIP
import Tokenization

/// Warnings about texts that the model cannot read as they were written.
enum QueryText {
  /// Says on standard error if a text is truncated, or if the model knows none of its words.
  static func note(_ text: String, model: BLIPModel) {
    let read = model.tokens(of: text)
    let complete = model.tokenizer.encode(
      cleanCaption(text, maximumWords: .max), maximumLength: .max)
    if complete.count > read.count {
      Console.note("the text is too long; the model reads only its first 30 words (or 33 tokens)")
    }
    let unknown = model.tokenizer.id(of: "[UNK]")
    let words = read.dropFirst().dropLast()
    if !words.isEmpty, words.allSatisfy({ $0 == unknown }) {
      Console.note("the model knows none of the words in the text; the results mean little")
    }
  }
}
