import Random
public import Captions
internal import Images

/// Pictures with the tokens of their captions, to train on or to evaluate with.
public struct TrainingSet: Sendable {
  /// The pictures.
  public let pictures: [CaptionedPicture]
  /// Token ids `[CLS] … [SEP]` of every picture's captions.
  public let texts: [[[Int32]]]
  /// For every picture a number that it shares with the pictures of the same label.
  public let groups: [Int]

  /// - Parameter tokens: Token ids of a caption. Pictures without captions are left out.
  public init(_ pictures: [CaptionedPicture], tokens: (String) -> [Int32]) {
    let pictures = pictures.filter { !$0.captions.isEmpty }
    self.pictures = pictures
    texts = pictures.map { $0.captions.map(tokens) }
    var groupOfLabel: [String: Int] = [:]
    groups = pictures.enumerated().map { index, picture in
      guard let label = picture.label else { return index }
      if let group = groupOfLabel[label] { return group }
      groupOfLabel[label] = index
      return index
    }
  }

  /// Number of pairs of a picture and a caption in an epoch.
  public var pairsInEpoch: Int {
    pictures.reduce(0) { $0 + ($1.label == nil ? $1.captions.count : 1) }
  }
}

/// Pictures split into those trained on and those held out for evaluation.
public struct HeldOutSplit: Sendable, Equatable {
  /// Indices of the pictures that are trained on, in order.
  public let training: [Int]
  /// Indices of the pictures that are held out, in order.
  public let heldOut: [Int]

  /// Holds out `share` of the pictures, at least one and not all. Pictures with only a label are all
  /// trained on: a query for one of them finds any of its label.
  public init(_ pictures: [CaptionedPicture], share: Double, seed: UInt64) throws(TrainingError) {
    guard pictures.count >= 2 else {
      throw TrainingError(
        "\(pictures.count == 1 ? "one picture" : "no picture") with captions to train on; at least "
          + "two are needed")
    }
    var candidates = pictures.indices.filter { pictures[$0].label == nil }
    if candidates.isEmpty { candidates = Array(pictures.indices) }
    let wanted = (Double(candidates.count) * share).rounded(.toNearestOrEven)
    let count = min(max(Int(wanted), 1), pictures.count - 1)
    var draws = SplitMix64(key: seed, 0x5917)
    let chosen = Set(draws.shuffled(candidates).prefix(count))
    heldOut = pictures.indices.filter(chosen.contains)
    training = pictures.indices.filter { !chosen.contains($0) }
  }
}
