internal import TextIndex

/// The words of captions that say what a picture shows, to make short queries of, and to tell which other
/// pictures are right answers too.
struct KeyPhrases {
  /// English words that name nothing to be seen.
  private static let functionWords: Set<Substring> = [
    "a", "an", "the", "this", "that", "these", "those", "some", "another", "other", "each", "one",
    "two",
    "three", "four", "several", "many", "of", "in", "on", "at", "by", "with", "without", "into",
    "onto",
    "from", "to", "over", "under", "near", "next", "behind", "beside", "between", "through",
    "across",
    "around", "along", "up", "down", "off", "out", "outside", "inside", "front", "top", "back",
    "as",
    "while", "and", "or", "but", "is", "are", "was", "were", "be", "being", "been", "has", "have",
    "having",
    "it", "its", "he", "she", "his", "her", "him", "their", "them", "they", "who", "which", "what",
    "there",
    "for", "against", "towards", "toward", "very", "something", "someone", "it's", "s", "group",
    "piece",
  ]
  private static let articles: Set<Substring> = ["a", "an", "the"]
  /// The most words of a query besides its article.
  private static let longest = 3

  /// Short texts that are parts of a caption, such as "a brown dog".
  static func phrases(of caption: String) -> [String] {
    var phrases: [String] = []
    var words: [Substring] = []
    var article: Substring?
    func end() {
      let kept = words.suffix(longest)
      guard !kept.isEmpty else { return }
      let begin = kept.count == words.count ? article.map { [$0] } ?? [] : []
      phrases.append((begin + kept).joined(separator: " "))
    }
    let caption = caption.lowercased()
    for word in Self.words(of: caption) {
      if functionWords.contains(word) {
        end()
        words = []
        article = articles.contains(word) ? word : nil
      } else {
        words.append(word)
      }
    }
    end()
    return phrases
  }

  /// What a text is about: the stems of its words but function words.
  static func contents(of text: String) -> Set<String> {
    let words = words(of: text.lowercased()).filter { !functionWords.contains($0) }
    return Set(Analyzer().terms(of: words.joined(separator: " "), for: .index))
  }

  private static func words(of text: String) -> [Substring] {
    text.split { !$0.isLetter && $0 != "'" }
  }
}
