internal import BLIP
internal import Captions
internal import Checkpoints
internal import Images
internal import Tensors

/// Gives batches of pictures as the network takes them.
struct PictureViews: Sendable {
  enum Source: Sendable {
    /// What the frozen layers of a stem made of them.
    case cache(StemCache)
    /// Read and augmented there and then: for a model without a stem.
    case files(PictureFiles, Augmentation)
  }

  let source: Source
  let set: TrainingSet
  let seed: UInt64
  /// Pictures that could not be read, which are not tried again.
  private var unreadable: Set<Int> = []

  init(source: Source, set: TrainingSet, seed: UInt64) {
    self.source = source
    self.set = set
    self.seed = seed
  }

  /// The batch of the pairs, without those whose pictures cannot be read, which are told to `failed`
  /// once; nil where none is left.
  /// - Parameter epoch: What the views are drawn for; nil: plain views.
  mutating func batch(
    _ pairs: [TrainingPair], epoch: Int?, failed: (Int, String) -> Void
  ) -> TrainingBatch? {
    let pairs = pairs.filter { !unreadable.contains($0.picture) }
    let rows: [Matrix?]
    switch source {
    case .cache(let cache):
      rows = pairs.map { pair in
        guard cache.holds(pair.picture) else { return nil }
        let view = epoch.map { epoch in
          var draws = draws(pair, epoch)
          return draws.below(cache.views)
        }
        return cache.rows(picture: pair.picture, view: view ?? 0)
      }
    case .files(let files, let augmentation):
      let (set, draws) = (set, self.draws)
      let made = concurrentMap(pairs) { pair in
        Result { () throws -> Matrix in
          let path = set.pictures[pair.picture].path
          guard let epoch else { return try files.patches(path) { $0 } }
          // A crop may show a fifth of the picture: it is read larger than at inference.
          return try files.patches(path, times: 2) { picture in
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
      rows = made.map { try? $0.get() }
    }
    let kept = pairs.indices.filter { rows[$0] != nil }
    guard !kept.isEmpty else { return nil }
    return TrainingBatch(
      pictures: PictureBatch(rows.compactMap { $0 }),
      texts: kept.map { set.texts[pairs[$0].picture][pairs[$0].caption] },
      pictureNumbers: kept.map { Int32(set.groups[pairs[$0].picture]) })
  }

  private func draws(_ pair: TrainingPair, _ epoch: Int) -> SeededDraws {
    SeededDraws(seed, 0x71E3, UInt64(epoch), UInt64(pair.picture), UInt64(pair.caption))
  }
}

/// Reads pictures and makes of them what the network takes.
struct PictureFiles: Sendable {
  /// Pixels on a side of what the model takes.
  let side: Int
  private let model: BLIPModel
  private let stemLayers: Int
  /// Cuts pictures into patches; has no parameters.
  private let cutter: Network
  private let read: @Sendable (String, Int) throws -> Picture

  init(
    _ model: BLIPModel, network: Network, read: @escaping @Sendable (String, Int) throws -> Picture
  ) {
    side = model.folder.configuration.vision.imageSize
    self.model = model
    self.read = read
    stemLayers = network.frozenStemLayers
    var cutter = network
    // Otherwise the first step would have to copy them all.
    _ = cutter.takeParameters()
    self.cutter = cutter
  }

  /// The patches, `[P, C]`, of what `change` makes of the picture at a path.
  /// - Parameter times: How much larger than what the model takes the picture should be read.
  func patches(
    _ path: String, times: Int = 1, _ change: (Picture) -> Picture
  ) throws -> Matrix {
    let pixels = model.pixels(of: change(try read(path, times * side)))
    return try model.stemOutput(of: pixels, layers: stemLayers) ?? cutter.patches(of: pixels)
  }
}
