public import Tensors

/// Pairs of pictures and captions that are run at once.
public struct TrainingBatch: Sendable {
  /// One for every caption: normalised or, for a model with a stem, the output of its frozen layers.
  public var pictures: FeatureMap
  /// Token ids `[CLS] … [SEP]`.
  public var texts: [[Int32]]
  /// The index in the set of each picture.
  public var pictureNumbers: [Int32]

  /// A batch of pairs.
  public init(pictures: FeatureMap, texts: [[Int32]], pictureNumbers: [Int32]) {
    precondition(texts.count == pictureNumbers.count && texts.count == pictures.count)
    (self.pictures, self.texts, self.pictureNumbers) = (pictures, texts, pictureNumbers)
  }
}

/// The losses of a step; nil for those that its objective does not have.
public struct Losses: Sendable, Equatable {
  /// Image-text contrastive (ITC).
  public var contrastive: Double?
  /// Image-text matching (ITM).
  public var matching: Double?
  /// Language modelling (LM).
  public var language: Double?

  /// Their sum, which is minimised.
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
