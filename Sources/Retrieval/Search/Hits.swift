package import Checkpoints
public import Images

/// A picture that a search found.
public struct PictureHit: Sendable, Equatable {
  /// The picture, as the index has it.
  public let picture: IndexedPicture
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
  /// Where the index found words of the query.
  public let evidence: [Evidence]
  /// What the index knows of the picture in words; nil where no picture has a word of the query.
  package let words: WordCalibration.Scores?
  /// Near-identical pictures that would follow it in the list, in their order.
  public let alike: [AlikePicture]
}

extension PictureHit {
  /// ``IndexedPicture/id``
  public var id: UInt64 { picture.id }
  /// ``IndexedPicture/path``
  public var path: String { picture.path }
  /// ``IndexedPicture/pathBytes``
  public var pathBytes: [UInt8] { picture.pathBytes }
  /// ``IndexedPicture/location``
  public var location: String { picture.location }
  /// ``IndexedPicture/locationBytes``
  public var locationBytes: [UInt8] { picture.locationBytes }
  /// ``IndexedPicture/file``
  public var file: PictureFile { picture.file }
  /// ``IndexedPicture/captions``
  public var captions: [String] { picture.captions }
  /// ``IndexedPicture/generatedCaptions``
  public var generatedCaptions: [String] { picture.generatedCaptions }
  /// ``IndexedPicture/details``
  public var details: PictureDetails? { picture.details }
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
