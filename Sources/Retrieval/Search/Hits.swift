public import Images

/// A picture that a search found.
public struct PictureHit: Sendable, Equatable {
  /// The picture's number in the index.
  public let id: UInt64
  /// Relative to the collection root, printable.
  public let path: String
  /// The path relative to the collection root, as the file system has it.
  public let pathBytes: [UInt8]
  /// Where the picture lies, as text; a name that is not UTF-8 is only in `locationBytes` whole.
  public let location: String
  /// Where the picture lies, as the file system has it.
  public let locationBytes: [UInt8]
  /// ITC cosine.
  public let cosine: Float
  /// Raw ITM logit of "match"; set where the hit was reranked.
  public let matchLogit: Float?
  /// ITM softmax; set where the hit was reranked.
  public let matchProbability: Float?
  /// The picture's texts in the index.
  public let captions: [String]
  /// What the picture's file says of itself; nil if it says nothing, or was not read yet.
  public let details: PictureDetails?
  /// Near-identical pictures that would follow it in the list, in their order.
  public internal(set) var alike: [AlikePicture] = []
}

/// A text that a picture matched.
public struct TextHit: Sendable, Equatable {
  /// The text's number in the index; nil for a text given by the caller.
  public let id: UInt64?
  /// The text itself.
  public let text: String
  /// The caption's own picture, printable path, where known.
  public let path: String?
  /// The same as the file system has it.
  public let pathBytes: [UInt8]?
  /// ITC cosine.
  public let cosine: Float
  /// Raw ITM logit of "match"; set where the hit was reranked.
  public let matchLogit: Float?
  /// ITM softmax; set where the hit was reranked.
  public let matchProbability: Float?
}
