internal import BLIP
internal import Captions
internal import Retrieval
internal import TextIndex

/// Which caption of each picture is held out.
struct HeldOutCaptions {
  private let set: CaptionedSet
  /// The caption of each picture that is held out; nil where none is.
  let places: [Int?]

  /// At most so many pictures, evenly distributed, of those that have more than one caption.
  init(_ set: CaptionedSet, most: Int) {
    self.set = set
    let several = set.pictures.indices.filter { set.pictures[$0].captions.count > 1 }
    let count = min(most, several.count)
    var places = [Int?](repeating: nil, count: set.pictures.count)
    for number in 0..<count {
      let picture = several[number * several.count / count]
      places[picture] = set.pictures[picture].captions.count - 1
    }
    self.places = places
  }

  /// The captions that are held out and, of each, a phrase that is right for enough pictures.
  func queries(_ encoded: EncodedSet, _ model: BLIPModel) throws -> [WordQuery] {
    let words = CaptionWords(set)
    let held = places.enumerated().compactMap { picture, place in place.map { (picture, $0) } }
    let analyzer = Analyzer()
    var queries: [WordQuery] = []
    for (number, (picture, place)) in held.enumerated() {
      let text = encoded.textsOfPicture[picture].lowerBound + place
      let caption = set.pictures[picture].captions[place]
      queries.append(
        WordQuery(
          number: number, picture: picture, isCaption: true,
          isPhrase: TextQuery.isPhrase(caption),
          terms: analyzer.terms(of: caption, for: .query), tokens: encoded.tokens[text],
          embedding: encoded.texts[text]))
      let phrases = KeyPhrases.phrases(of: caption).filter(words.isRightForEnough)
      guard !phrases.isEmpty else { continue }
      let phrase = phrases[number % phrases.count]
      let tokens = model.tokens(of: phrase)
      queries.append(
        WordQuery(
          number: number, picture: picture, isCaption: false, isPhrase: true,
          terms: analyzer.terms(of: phrase, for: .query), tokens: tokens,
          embedding: try model.embed(texts: [tokens])[0]))
    }
    // Without a word that counts, words say nothing to a query.
    return queries.filter { !$0.terms.isEmpty && $0.tokens.count > 2 }
  }
}
