import Retrieval

extension TextQuery {
  /// Says on standard error if the model does not read the text as it was written.
  func note() {
    if isTruncated {
      Console.note("the text is too long; the model reads only its first 30 words (or 33 tokens)")
    }
    if hasOnlyUnknownWords {
      Console.note("the model knows none of the words in the text; the results mean little")
    }
  }
}
