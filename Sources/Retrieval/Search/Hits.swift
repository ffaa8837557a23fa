package import Checkpoints
public import Images

/// A picture that a search found.
public struct PictureHit: Sendable, Equatable {
  /// The picture's number in the index.
  public let id: UInt64
  /// Relative to the collection root, printable; in an index of several roots, the same as `location`.
  public let path: String
  /// The same as the file system has it.
  public let pathBytes: [UInt8]
  /// Where the picture lies, as text; a name that is not UTF-8 is only in `locationBytes` whole.
  public let location: String
  /// Where the picture lies, as the file system has it.
  public let locationBytes: [UInt8]
  /// The picture's file as it was indexed.
  public let file: PictureFile
  /// ITC cosine.
  public let cosine: Float
  /// How likely the hit is right, as the model was calibrated: what orders the hits of a text. Nil for a
  /// model that was not, and for a search by picture.
  public let probability: Float?
  /// Whether the probability is so low that the collection probably has no answer to the query.
  public let isImprobable: Bool
  /// Raw ITM logit of "match"; set where the hit was reranked.
  public let matchLogit: Float?
  /// ITM softmax; set where the hit was reranked.
  public let matchProbability: Float?
  /// What was subtracted from the cosine, so that hubs do not come first; nil where nothing was.
  package let hubness: Float?
  /// The picture's texts in the index.
  public let captions: [String]
  /// Those of the captions that a model generated.
  public let generatedCaptions: [String]
  /// Where the index found words of the query.
  public let evidence: [Evidence]
  /// What the index knows of the picture in words; nil where no picture has a word of the query.
  package let words: WordCalibration.Scores?
  /// What the picture's file says of itself; nil if it says nothing, or was not read yet.
  public let details: PictureDetails?
  /// Near-identical pictures that would follow it in the list, in their order.
  public let alike: [AlikePicture]
}

/// A text that a picture matched.
public struct TextHit: Sendable, Equatable {
  /// The text's number in the index; nil for a text given by the caller.
  public let id: UInt64?
  /// The text itself.
  public let text: String
  /// The caption's own picture, printable path, where known; of a text of several pictures, the first.
  public let path: String?
  /// The same as the file system has it.
  public let pathBytes: [UInt8]?
  /// The paths of the other pictures that have this text, as the file system has them.
  public let otherPathBytes: [[UInt8]]
  /// Whether a model generated the text, and no person wrote the same.
  public let isGenerated: Bool
  /// ITC cosine.
  public let cosine: Float
  /// How likely the hit is right, as the model was calibrated: what orders hits. Nil for a model that was
  /// not.
  public let probability: Float?
  /// Raw ITM logit of "match"; set where the hit was reranked.
  public let matchLogit: Float?
  /// ITM softmax; set where the hit was reranked.
  public let matchProbability: Float?
}
