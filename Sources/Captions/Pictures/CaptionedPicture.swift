/// A picture to train on, with what is said of it.
public struct CaptionedPicture: Sendable, Equatable {
  /// The picture file.
  public let path: String
  /// Sentences about the picture. An epoch shows each of them once; of those made from a label, one.
  public let captions: [String]
  /// The name of what the picture shows, where that is all that is known of it. Pictures of one label
  /// are never told apart in training: each fits the captions of all.
  public let label: String?

  /// A picture with captions of its own.
  public init(path: String, captions: [String]) {
    self.path = path
    self.captions = captions
    label = nil
  }

  /// A picture of which only the name of what it shows is known.
  public init(path: String, label: String) {
    self.path = path
    self.label = label
    let article = "aeiouAEIOU".contains(label.first ?? "x") ? "an" : "a"
    captions = ["a photo of", "a picture of", "a close up of", "there is"].map {
      "\($0) \(article) \(label)"
    }
  }
}
