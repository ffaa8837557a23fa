import Random
internal import Checkpoints
internal import Digests
internal import Images
internal import BLIP
internal import Tensors

/// The output of a convolutional stem's frozen layers for several views of every picture, in one file,
/// so that an epoch computes only what is trained. View 0 is the plain picture as at inference, the
/// others are augmented.
///
/// Numbers are stored in bfloat16, rounded to nearest: the relative error is at most 1/512, less than
/// that of a view's resampling. An interrupted build can be resumed. The key is a digest of those
/// layers' weights and all that a view depends on, so a cache of another model, picture list or seed
/// is never read.
struct StemCache: Sendable {
  private let file: MappedFile
  private let layout: StemCacheLayout
  /// Indices of the pictures that could not be read.
  let unreadable: Set<Int>

  /// Whether the cache has a picture.
  func holds(_ picture: Int) -> Bool { !unreadable.contains(picture) }

  /// Number of views of a picture, including the plain one.
  var views: Int { layout.views }

  /// The layers' output for a view of a picture.
  func map(picture: Int, view: Int) -> FeatureMap {
    precondition(holds(picture) && 0..<views ~= view)
    let start = layout.offset(picture: picture, view: view)
    let range = start..<start + layout.viewBytes
    // The pages count as this process's memory only while they are read.
    defer { file.release(range) }
    let (side, channels) = (layout.side, layout.channels)
    let values = file.withBytes(range) { bytes in
      [Float](unsafeUninitializedCapacity: side * side * channels) { values, written in
        let halves = bytes.assumingMemoryBound(to: UInt16.self)
        for index in values.indices {
          values[index] = Float(bitPattern: UInt32(UInt16(littleEndian: halves[index])) << 16)
        }
        written = values.count
      }
    }
    return FeatureMap(
      height: side, width: side,
      pixels: Matrix(rows: side * side, columns: channels, values: values))
  }

  /// The views of a cache.
  struct Recipe: Sendable {
    /// How pictures are augmented.
    let augmentation: Augmentation
    /// Number of augmented views of every picture, besides the plain one.
    let views: Int
    /// The seed of the views.
    let seed: UInt64

    /// A recipe; `views` is 0 or more.
    init(augmentation: Augmentation, views: Int, seed: UInt64) {
      self.augmentation = augmentation
      self.views = views
      self.seed = seed
    }
  }

  /// What building a cache reports.
  enum Event: Sendable {
    /// Number of pictures that are done.
    case progress(done: Int, of: Int)
    /// A picture was left out: its path and the reason.
    case failed(String, String)
    /// A note for the user, one line.
    case note(String)
  }

  /// Opens the cache at `path` and builds what is missing, on all cores; nil if it was stopped before
  /// it was complete.
  /// - Parameters:
  ///   - layers: Number of the stem's frozen layers, at least those that shrink the picture.
  ///   - read: Reads the picture at a path for a square of the given side in pixels.
  ///   - report: Called from one thread at a time.
  init?(
    at path: String, of pictures: [String], model: BLIPModel, layers: Int, _ recipe: Recipe,
    read: @escaping @Sendable (String, Int) throws -> Picture,
    shouldStop: @escaping @Sendable () -> Bool, report: @escaping @Sendable (Event) -> Void
  ) throws {
    guard let stem = model.folder.configuration.vision.stem, 1...stem.count ~= layers else {
      throw TrainingError("\(model.folder.path): the model has no convolutional stem to cache")
    }
    let side = model.folder.configuration.vision.imageSize
    let patches = side / model.folder.configuration.vision.patchSize
    layout = StemCacheLayout(
      key: try Self.key(of: pictures, model: model, layers: layers, recipe),
      pictures: pictures.count, views: 1 + recipe.views, side: patches,
      channels: stem[layers - 1].outputs)
    let maker = try StemCacheMaker(path: path, layout: layout, report: report)
    let isWhole = try maker.fill { picture in
      let original = try read(pictures[picture], side)
      return try (0...recipe.views).map { view in
        var draws = SplitMix64(key: recipe.seed, 0x57E4, UInt64(picture), UInt64(view))
        let shown = view == 0 ? original : recipe.augmentation(original, side: side, &draws)
        guard let output = try model.stemOutput(of: model.pixels(of: shown), layers: layers) else {
          preconditionFailure("a model with a stem has its output")
        }
        return output.pixels
      }
    } describe: {
      pictures[$0]
    } shouldStop: {
      shouldStop()
    }
    guard isWhole else { return nil }
    unreadable = maker.unreadable
    file = try MappedFile(path: path)
  }

  /// A digest of all that the numbers in the file depend on.
  private static func key(
    of pictures: [String], model: BLIPModel, layers: Int, _ recipe: Recipe
  ) throws -> [UInt8] {
    var digest = SHA256()
    func feed(_ digest: inout SHA256, _ text: String) {
      var text = "\(text.utf8.count):\(text)"
      text.withUTF8 { digest.update(UnsafeRawBufferPointer($0)) }
    }
    let weights = model.folder.weights
    for name in weights.names where ConvolutionalStem.has(name, before: layers) {
      guard let shape = weights.shape(of: name) else { continue }
      feed(&digest, name)
      try weights.floats(name, shape: shape).withUnsafeBytes { digest.update($0) }
      weights.release(name)
    }
    feed(&digest, "\(model.folder.configuration.vision.stem?.prefix(layers) ?? [])")
    feed(&digest, "\(model.folder.preprocessing)")
    feed(&digest, "\(recipe.augmentation.scale) \(recipe.views) \(recipe.seed)")
    for picture in pictures { feed(&digest, picture) }
    return digest.finish()
  }
}
