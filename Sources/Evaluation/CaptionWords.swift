internal import Captions
internal import Retrieval

/// The words of a set's captions that say what its pictures show, and which pictures have them.
struct CaptionWords: Sendable {
  /// What the captions of each picture are about.
  let contents: [Set<String>]
  private let picturesWithWord: [String: Set<Int>]
  /// The fewest pictures that a phrase is right for: as many as a search shows, or a quarter of a small set.
  private let fewestRight: Int

  init(_ set: CaptionedSet) {
    fewestRight = min(SearchOptions().count, max(1, set.pictures.count / 4))
    contents = set.pictures.map { picture in
      picture.captions.reduce(into: []) { $0.formUnion(KeyPhrases.contents(of: $1)) }
    }
    picturesWithWord = contents.enumerated().reduce(into: [:]) { pictures, picture in
      for word in picture.element { pictures[word, default: []].insert(picture.offset) }
    }
  }

  /// Whether a phrase is right for as many pictures as people look for with one.
  func isRightForEnough(_ phrase: String) -> Bool {
    pictures(withAllOf: phrase).count >= fewestRight
  }

  /// The pictures whose captions, taken together, have all words of a text.
  func pictures(withAllOf text: String) -> Set<Int> {
    let wanted = KeyPhrases.contents(of: text).map { picturesWithWord[$0] ?? [] }
    guard let rarest = wanted.min(by: { $0.count < $1.count }) else { return [] }
    return wanted.reduce(rarest) { $0.intersection($1) }
  }
}
