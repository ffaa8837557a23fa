internal import Checkpoints
internal import Digests
public import Images
public import BLIP
public import Tensors

/// What the frozen layers of a convolutional stem make of several views of every picture, in one file: then an
/// epoch costs only what is trained. View 0 is the plain picture as at inference, the others are
/// augmented.
///
/// Kept in bfloat16, rounded to the nearest: a number is off by at most 1/512 of itself, less than
/// what a view's resampling moves it by. The file can be taken up again wherever making it was
/// stopped; its key is made of those layers' weights and all that a view depends on, so a cache of
/// another model, picture list or seed is never read.
public struct StemCache: Sendable {
  private let file: MappedFile
  private let layout: StemCacheLayout
  /// Numbers of the pictures that could not be read.
  public let unreadable: Set<Int>

  /// Whether a picture's views are there.
  public func holds(_ picture: Int) -> Bool { !unreadable.contains(picture) }

  /// The views of a picture, the plain one too.
  public var views: Int { layout.views }

  /// What the layers made of a view: `[P, channels]`.
  public func rows(picture: Int, view: Int) -> Matrix {
    precondition(holds(picture) && 0..<views ~= view)
    let start = layout.offset(picture: picture, view: view)
    let range = start..<start + layout.viewBytes
    // The pages do not count as this process's memory for longer than they are read.
    defer { file.release(range) }
    let count = layout.rows * layout.columns
    let values = file.withBytes(range) { bytes in
      [Float](unsafeUninitializedCapacity: count) { values, written in
        let halves = bytes.assumingMemoryBound(to: UInt16.self)
        for index in 0..<count {
          values[index] = Float(bitPattern: UInt32(UInt16(littleEndian: halves[index])) << 16)
        }
        written = count
      }
    }
    return Matrix(rows: layout.rows, columns: layout.columns, values: values)
  }

  /// Which views a cache holds.
  public struct Recipe: Sendable {
    /// How views are made.
    public let augmentation: Augmentation
    /// Augmented views of every picture, besides the plain one.
    public let views: Int
    /// What the views are drawn with.
    public let seed: UInt64

    /// A recipe; `views` from 0 on.
    public init(augmentation: Augmentation, views: Int, seed: UInt64) {
      self.augmentation = augmentation
      self.views = views
      self.seed = seed
    }
  }

  /// What making a cache tells.
  public enum Event: Sendable {
    /// So many of the pictures are done.
    case progress(done: Int, of: Int)
    /// A picture is left out: its path and the reason.
    case failed(String, String)
    /// Something worth a line.
    case note(String)
  }

  /// Opens the cache at `path`, or makes what is missing of it with all cores; nil where it was
  /// stopped before it was whole.
  /// - Parameters:
  ///   - layers: How many of the stem's layers are frozen, at least those that shrink the picture.
  ///   - read: Reads the picture at a path for a square of so many pixels.
  ///   - report: Called from one thread at a time.
  public init?(
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
      pictures: pictures.count, views: 1 + recipe.views, rows: patches * patches,
      columns: stem[layers - 1].outputs)
    let maker = try StemCacheMaker(path: path, layout: layout, report: report)
    let isWhole = try maker.fill { picture in
      let original = try read(pictures[picture], side)
      return try (0...recipe.views).map { view in
        var draws = SeededDraws(recipe.seed, 0x57E4, UInt64(picture), UInt64(view))
        let shown = view == 0 ? original : recipe.augmentation(original, side: side, &draws)
        guard let output = try model.stemOutput(of: model.pixels(of: shown), layers: layers) else {
          preconditionFailure("a model with a stem has an output of it")
        }
        return output
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

  /// All that the numbers in the file depend on.
  private static func key(
    of pictures: [String], model: BLIPModel, layers: Int, _ recipe: Recipe
  ) throws -> [UInt8] {
    var digest = SHA256()
    func feed(_ digest: inout SHA256, _ text: String) {
      var text = "\(text.utf8.count):\(text)"
      text.withUTF8 { digest.update(UnsafeRawBufferPointer($0)) }
    }
    let weights = model.folder.weights
    for name in weights.names where StemTail.has(name, before: layers) {
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
