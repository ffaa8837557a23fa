/// Pairs of pictures and captions that are run at once.
public struct TrainingBatch: Sendable {
  /// One for every caption.
  public var pictures: PictureBatch
  /// Token ids `[CLS] … [SEP]`.
  public var texts: [[Int32]]
  /// Which picture of the set each is, from 0.
  public var pictureNumbers: [Int32]

  /// A batch of pairs.
  public init(pictures: PictureBatch, texts: [[Int32]], pictureNumbers: [Int32]) {
    precondition(texts.count == pictureNumbers.count)
    (self.pictures, self.texts, self.pictureNumbers) = (pictures, texts, pictureNumbers)
  }
}

/// What a step lost; nil for what its objective does not have.
public struct Losses: Sendable, Equatable {
  /// Image-text contrastive (ITC).
  public var contrastive: Double?
  /// Image-text matching (ITM).
  public var matching: Double?
  /// Language modelling (LM).
  public var language: Double?

  /// Their sum, which is what is minimised.
  public var total: Double { (contrastive ?? 0) + (matching ?? 0) + (language ?? 0) }

  /// The mean over micro-batches.
  static func mean(_ all: [Losses]) -> Losses {
    func mean(_ loss: KeyPath<Losses, Double?>) -> Double? {
      let losses = all.compactMap { $0[keyPath: loss] }
      return losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
    }
    return Losses(
      contrastive: mean(\.contrastive), matching: mean(\.matching), language: mean(\.language))
  }
}
