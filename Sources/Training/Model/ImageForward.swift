internal import BLIP
internal import Checkpoints
internal import Tensors

/// A batch's forward pass through the image encoder, with the activations for the backward pass.
struct ImageForward: Sendable {
  /// The patch features of all pictures, `[B · (1 + P), D]`, or only [CLS] of each, `[B, D]`.
  fileprivate(set) var features = Matrix()
  /// ITC embeddings, L2-normalised: `[B, 256]`.
  fileprivate(set) var embeddings = Matrix()

  fileprivate let pictures: FeatureMap
  /// The pictures that are run together.
  fileprivate let chunks: [Range<Int>]
  /// Those of the only chunk; of several, each chunk is run again for the backward pass.
  fileprivate var activations: ImageEncoder.Activations?
  /// The embeddings before normalisation, and the [CLS] features they were projected from.
  fileprivate var projected = Matrix()
  fileprivate var classFeatures = Matrix()

  fileprivate init(_ pictures: FeatureMap, chunks: [Range<Int>]) {
    self.pictures = pictures
    self.chunks = chunks
  }

  fileprivate mutating func append(_ rows: Matrix) {
    guard features.rows > 0 else { return features = rows }
    let count = features.rows + rows.rows
    var values: [Float] = []
    // Moved out, so that it grows in place.
    swap(&values, &features.values)
    values += rows.values
    features = Matrix(rows: count, columns: rows.columns, values: values)
  }
}

extension TrainableModel {
  /// The most bytes of activations that are kept of a batch; beyond that they are computed twice.
  private static let activationBytes = 1 << 30

  /// Encodes pictures: normalised ones or, for a model with a stem, the output of its frozen layers.
  /// - Parameters:
  ///   - classTokenOnly: Whether only the embeddings are wanted; there is no backward pass then.
  ///   - savingActivations: Whether there will be a backward pass.
  func encode(
    pictures: FeatureMap, classTokenOnly: Bool = false, savingActivations: Bool,
    activationBytes: Int = TrainableModel.activationBytes
  ) -> ImageForward {
    precondition(!classTokenOnly || !savingActivations, "a backward pass needs all features")
    let most = max(1, activationBytes / bytesPerPicture)
    let chunks = stride(from: 0, to: pictures.count, by: most).map {
      $0..<min($0 + most, pictures.count)
    }
    var forward = ImageForward(pictures, chunks: chunks)
    let savesChunk = savingActivations && chunks.count == 1
    for chunk in chunks {
      var activations = ImageEncoder.Activations()
      forward.append(
        image(
          pictures[chunk], classTokenOnly: classTokenOnly, savingActivations: savesChunk,
          &activations))
      if savesChunk { forward.activations = activations }
    }
    forward.classFeatures =
      classTokenOnly ? forward.features : forward.features.rows(classRows(pictures.count))
    image.projection(forward.classFeatures, into: &forward.projected)
    normalizeRows(forward.projected, into: &forward.embeddings)
    return forward
  }

  /// The backward pass through the image encoder: adds to the gradient.
  /// - Parameters:
  ///   - features: The gradient of the features; nil where nothing used them.
  ///   - embeddings: The gradient of the embeddings; nil where nothing used them.
  func backward(
    features: Matrix?, embeddings: Matrix?, _ forward: ImageForward,
    into gradient: inout TrainableModel
  ) {
    var d = features ?? Matrix(rows: forward.features.rows, columns: forward.features.columns)
    precondition(d.rows == forward.features.rows && d.columns == forward.features.columns)
    if let embeddings {
      var (dProjected, dClass) = (Matrix(), Matrix())
      normalizeRowsBackward(embeddings, of: forward.projected, dx: &dProjected)
      image.projection.backward(
        dProjected, of: forward.classFeatures, into: &gradient.image.projection, dx: &dClass)
      addRows(dClass, at: classRows(forward.pictures.count), to: &d)
    }
    if let activations = forward.activations {
      return image.backward(d, of: forward.pictures, activations, into: &gradient.image)
    }
    for chunk in forward.chunks {
      let pictures = forward.pictures[chunk]
      var activations = ImageEncoder.Activations()
      _ = image(pictures, savingActivations: true, &activations)
      let rows = chunk.lowerBound * image.tokens..<chunk.upperBound * image.tokens
      image.backward(d.rows(rows), of: pictures, activations, into: &gradient.image)
    }
  }

  /// The row of each picture's [CLS].
  private func classRows(_ pictures: Int) -> [Int] { (0..<pictures).map { $0 * image.tokens } }

  /// The memory that the activations of one picture take.
  private var bytesPerPicture: Int {
    let vision = configuration.vision
    // A block keeps two norms, queries, keys, values, context, two sums, and both sides of the GELU.
    let row = 8 * vision.hiddenSize + 2 * vision.intermediateSize
    let floatsPerPicture =
      image.tokens * row * vision.layers + (image.stem?.floats(pixels: image.tokens - 1) ?? 0)
    return floatsPerPicture * MemoryLayout<Float>.stride
  }
}

extension ConvolutionalStem {
  /// Numbers in the outputs of all layers for a picture; those of a trained stem keep its size.
  fileprivate func floats(pixels: Int) -> Int {
    layers.reduce(0) { $0 + pixels * $1.shape.outputs }
  }
}
