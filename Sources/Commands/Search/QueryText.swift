import BLIP
import Tokenization

/// What a person should know of a text that the model does not read as it was written.
enum QueryText {
  /// Says on standard error where a text is cut, or where the model knows none of its words.
  static func note(_ text: String, model: BLIPModel) {
    let read = model.tokens(of: text)
    let whole = model.tokenizer.encode(
      cleanCaption(text, maximumWords: .max), maximumLength: .max)
    if whole.count > read.count {
      Console.note("the text is long: the model reads its first 30 words, or 33 pieces of words")
    }
    let unknown = model.tokenizer.id(of: "[UNK]")
    let words = read.dropFirst().dropLast()
    if !words.isEmpty, words.allSatisfy({ $0 == unknown }) {
      Console.note("the model knows none of the words of the text: the results mean little")
    }
  }
}
