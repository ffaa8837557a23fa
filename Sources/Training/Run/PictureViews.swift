import Random
internal import BLIP
internal import Captions
internal import Checkpoints
internal import Images
internal import Tensors

/// Batches of pictures as the model is given them.
struct PictureViews: Sendable {
  enum Source: Sendable {
    /// The output of a stem's frozen layers.
    case cache(StemCache)
    /// Files, read and augmented when they are needed: for a model without a stem.
    case files(PictureFiles, Augmentation)
  }

  let source: Source
  let set: TrainingSet
  let seed: UInt64
  /// Pictures that could not be read; they are not tried again.
  private var unreadable: Set<Int> = []

  init(source: Source, set: TrainingSet, seed: UInt64) {
    self.source = source
    self.set = set
    self.seed = seed
  }

  /// The batch of the pairs, without those whose pictures cannot be read; nil if none is left.
  /// - Parameters:
  ///   - epoch: Determines the augmented views; nil for plain views.
  ///   - failed: Called once for each picture that cannot be read.
  mutating func batch(
    _ pairs: [TrainingPair], epoch: Int?, failed: (Int, String) -> Void
  ) -> TrainingBatch? {
    let pairs = pairs.filter { !unreadable.contains($0.picture) }
    let maps: [FeatureMap?]
    switch source {
    case .cache(let cache):
      maps = pairs.map { pair in
        guard cache.holds(pair.picture) else { return nil }
        let view = epoch.map { epoch in
          var draws = draws(pair, epoch)
          return draws.below(cache.views)
        }
        return cache.map(picture: pair.picture, view: view ?? 0)
      }
    case .files(let files, let augmentation):
      let (set, draws) = (set, self.draws)
      let made = concurrentMap(pairs) { pair in
        Result { () throws -> FeatureMap in
          let path = set.pictures[pair.picture].path
          guard let epoch else { return try files.map(path) { $0 } }
          // A crop may show a fifth of the picture: it is read larger than at inference.
          return try files.map(path, scale: 2) { picture in
            var draws = draws(pair, epoch)
            return augmentation(picture, side: files.side, &draws)
          }
        }
      }
      for (pair, outcome) in zip(pairs, made) {
        guard case .failure(let error) = outcome else { continue }
        unreadable.insert(pair.picture)
        failed(pair.picture, "\(error)")
      }
      maps = made.map { try? $0.get() }
    }
    let kept = pairs.indices.filter { maps[$0] != nil }
    guard !kept.isEmpty else { return nil }
    return TrainingBatch(
      pictures: FeatureMap(joining: maps.compactMap { $0 }),
      texts: kept.map { set.texts[pairs[$0].picture][pairs[$0].caption] },
      pictureNumbers: kept.map { Int32(set.groups[pairs[$0].picture]) })
  }

  private func draws(_ pair: TrainingPair, _ epoch: Int) -> SplitMix64 {
    SplitMix64(key: seed, 0x71E3, UInt64(epoch), UInt64(pair.picture), UInt64(pair.caption))
  }
}

/// Reads pictures as the model is given them.
struct PictureFiles: Sendable {
  /// Pixels on a side of the model's input.
  let side: Int
  private let model: BLIPModel
  let stemLayers: Int
  private let read: @Sendable (String, Int) throws -> Picture

  /// - Parameters:
  ///   - stemLayers: Layers of a stem that are frozen and run here.
  ///   - read: Reads the picture at a path for a square of the given side.
  init(
    _ model: BLIPModel, stemLayers: Int, read: @escaping @Sendable (String, Int) throws -> Picture
  ) {
    side = model.folder.configuration.vision.imageSize
    self.model = model
    self.stemLayers = stemLayers
    self.read = read
  }

  /// The picture at a path, changed, then normalised and run through the frozen layers.
  /// - Parameter scale: How many times larger than the model's input the picture should be read.
  func map(
    _ path: String, scale: Int = 1, _ change: (Picture) -> Picture
  ) throws -> FeatureMap {
    let pixels = model.pixels(of: change(try read(path, scale * side)))
    return try model.stemOutput(of: pixels, layers: stemLayers) ?? pixels
  }
}
