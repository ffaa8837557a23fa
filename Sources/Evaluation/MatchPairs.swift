internal import BLIP

/// The pairs of picture and text that any depth needs in either direction, and every text with its own
/// picture; each is scored once.
struct MatchPairs: Sendable {
  /// Of the texts, among the pictures.
  private(set) var byText: Shortlists
  /// Of the pictures, among the texts.
  private(set) var byPicture: Shortlists
  /// Every text's logits with its own picture.
  private(set) var own: [MatchLogits?]
  /// The texts of every picture, and the picture of every text.
  let texts: [Range<Int>]
  let owner: [Int]
  /// The texts whose lists contain a picture, concatenated for all pictures, and where each begins.
  private let textsOf: [UInt32]
  private let starts: [Int]

  init(byText: Shortlists, byPicture: Shortlists, texts: [Range<Int>], owner: [Int]) {
    (self.byText, self.byPicture, self.texts, self.owner) = (byText, byPicture, texts, owner)
    own = [MatchLogits?](repeating: nil, count: owner.count)
    var ends = [Int](repeating: 0, count: texts.count + 1)
    for picture in byText.ids { ends[Int(picture) + 1] += 1 }
    for picture in texts.indices { ends[picture + 1] += ends[picture] }
    starts = ends
    var textsOf = [UInt32](repeating: 0, count: byText.ids.count)
    for text in owner.indices {
      for picture in byText.list(text) {
        textsOf[ends[Int(picture)]] = UInt32(text)
        ends[Int(picture)] += 1
      }
    }
    self.textsOf = textsOf
  }

  /// The texts to be scored with a picture, in ascending order.
  func wanted(_ picture: Int) -> [Int] {
    var wanted = Set(textsOf[starts[picture]..<starts[picture + 1]].map(Int.init))
    wanted.formUnion(byPicture.list(picture).map(Int.init))
    if byText.depth > 0 { wanted.formUnion(texts[picture]) }
    return wanted.sorted()
  }

  /// Those that are not scored yet.
  func missing(_ picture: Int) -> [Int] { wanted(picture).filter { self[picture, $0] == nil } }

  /// Number of pairs that a depth needs.
  func count(depth: Int) -> Int {
    let (pictures, texts) = (min(depth, byText.depth), min(depth, byPicture.depth))
    let both = self.texts.indices.reduce(0) { sum, picture in
      sum
        + byPicture.list(picture).prefix(texts).count { text in
          byText.list(Int(text)).prefix(pictures).contains(UInt32(picture))
        }
    }
    return owner.count * pictures + self.texts.count * texts - both
  }

  /// The logits of a pair; nil if it is not scored, or not needed.
  subscript(picture: Int, text: Int) -> MatchLogits? {
    if owner[text] == picture { return own[text] }
    if let place = byText.place(of: picture, for: text) { return byText[text, place] }
    return byPicture.place(of: text, for: picture).flatMap { byPicture[picture, $0] }
  }

  /// Stores the logits of a pair wherever it is needed.
  mutating func set(_ logits: MatchLogits, picture: Int, text: Int) {
    if owner[text] == picture { own[text] = logits }
    if let place = byText.place(of: picture, for: text) { byText[text, place] = logits }
    if let place = byPicture.place(of: text, for: picture) { byPicture[picture, place] = logits }
  }
}
