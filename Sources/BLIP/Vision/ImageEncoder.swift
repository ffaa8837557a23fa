package import Checkpoints
package import Tensors

/// Called with the name and value of an intermediate result: tests compare every layer with the
/// reference.
package typealias Observer = (_ name: String, _ value: Matrix) -> Void

/// BLIP's unimodal image encoder with its ITC head: a ViT whose patches are embedded linearly from
/// pixels or from the output of a convolutional stem.
package struct ImageEncoder: ModelPart {
  private let width: Int
  package var stem: ConvolutionalStem?
  package var patchEmbedding: Convolution
  /// [CLS], `[1, 1, width]`.
  package var classEmbedding: [Float] = []
  /// `[1, 1 + P, width]`
  package var positionEmbedding: [Float] = []
  /// Tokens of a picture: [CLS] and its patches.
  package let tokens: Int
  package var blocks: [VisionBlock]
  package var norm: LayerNorm
  package var projection: Linear
  /// Whether there is an ITC head; a captioner has none, and computes features only.
  let hasProjection: Bool

  /// - Parameter firstStemLayer: Layers of the stem before this one are left out: pictures have
  ///   passed them already.
  package init(
    _ configuration: ModelConfiguration, hasProjection: Bool = true, firstStemLayer: Int = 0
  ) throws(BLIPError) {
    self.hasProjection = hasProjection
    let vision = configuration.vision
    width = vision.hiddenSize
    let side = vision.imageSize / vision.patchSize
    tokens = 1 + side * side
    if let layers = vision.stem, firstStemLayer < layers.count {
      stem = try ConvolutionalStem(layers, from: firstStemLayer, imageSize: vision.imageSize)
    }
    // A stem's output has one pixel for each patch.
    let patch = vision.stem == nil ? vision.patchSize : 1
    patchEmbedding = Convolution(
      ConvolutionShape(
        inputs: vision.stem?.last?.outputs ?? 3, outputs: width, kernel: patch, stride: patch,
        top: 0, left: 0, bottom: 0, right: 0))
    blocks = (0..<vision.layers).map { _ in VisionBlock(vision) }
    norm = LayerNorm(width: width, epsilon: vision.layerNormEpsilon)
    projection = Linear(inputs: width, outputs: configuration.embeddingSize)
  }

  package mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    let path = "vision_model"
    try stem?.forEachParameter("\(path).embeddings.stem", &visitor)
    try patchEmbedding.forEachParameter("\(path).embeddings.patch_embedding", &visitor)
    try visitor.visit("\(path).embeddings.class_embedding", [1, 1, width], &classEmbedding)
    try visitor.visit(
      "\(path).embeddings.position_embedding", [1, tokens, width], &positionEmbedding)
    for index in blocks.indices {
      try blocks[index].forEachParameter("\(path).encoder.layers.\(index)", &visitor)
    }
    try norm.forEachParameter("\(path).post_layernorm", &visitor)
    if hasProjection { try projection.forEachParameter("vision_proj", &visitor) }
  }

  /// What is computed in between.
  package struct Activations: Sendable {
    package fileprivate(set) var stem = ConvolutionalStem.Activations()
    fileprivate var windows = Matrix()
    fileprivate var patches = FeatureMap()
    /// What the first block is given.
    package fileprivate(set) var embedded = Matrix()
    /// One for each block where they are saved, else one that serves them all.
    package fileprivate(set) var blocks: [VisionBlock.Activations] = []
    /// What the last norm is given, where it is saved.
    package fileprivate(set) var output = Matrix()

    /// No memory yet.
    package init() {}
  }

  /// Encodes one picture.
  /// - Returns: Patch features `[1 + P, width]`, or `[1, width]`, and the ITC embedding.
  func encode(
    _ pixels: FeatureMap, keepsFeatures: Bool = true, _ activations: inout Activations,
    observe: Observer? = nil
  ) -> ImageEncoding {
    precondition(hasProjection)
    let features = self(
      pixels, classTokenOnly: !keepsFeatures, &activations, observe: observe)
    var embedding = Matrix()
    projection(features.rows(0..<1), into: &embedding)
    return ImageEncoding(features: features, embedding: normalized(embedding.values))
  }

  /// The forward pass, for inference and training.
  /// - Parameters:
  ///   - pictures: Normalised pictures of the configured size, `[pictures · S · S, 3]`, or what the
  ///     left-out layers of the stem made of them.
  ///   - classTokenOnly: Whether only [CLS] is wanted; the last block then computes nothing else.
  ///   - savingActivations: Whether a backward pass will need the activations.
  /// - Returns: Patch features `[pictures · (1 + P), width]`, or `[pictures, width]`.
  package func callAsFunction(
    _ pictures: FeatureMap, classTokenOnly: Bool = false, savingActivations: Bool = false,
    _ activations: inout Activations, observe: Observer? = nil
  ) -> Matrix {
    if let stem {
      stem(pictures, savingActivations: savingActivations, &activations.stem)
      observe?("stem", activations.stem.output.pixels)
    }
    patchEmbedding(
      stem == nil ? pictures : activations.stem.output, windows: &activations.windows,
      into: &activations.patches)
    observe?("patches", activations.patches.pixels)
    var x = Matrix()
    if !savingActivations { swap(&x, &activations.embedded) }
    embed(activations.patches.pixels, pictures: pictures.count, into: &x)
    observe?("embeddings", x)
    if savingActivations { activations.embedded = x }
    let buffers = savingActivations ? blocks.count : 1
    while activations.blocks.count < buffers { activations.blocks.append(.init()) }
    for (index, block) in blocks.enumerated() {
      let buffer = savingActivations ? index : 0
      block(
        x, pictures: pictures.count,
        classTokenOnly: classTokenOnly && index == blocks.count - 1,
        savingActivations: savingActivations, &activations.blocks[buffer])
      if savingActivations {
        x = activations.blocks[buffer].output
      } else {
        swap(&x, &activations.blocks[buffer].output)
      }
      observe?("layer.\(index)", x)
    }
    var features = Matrix()
    norm(x, into: &features)
    if savingActivations { activations.output = x } else { swap(&x, &activations.embedded) }
    return features
  }

  /// What the product of the patch embedding was given in a forward pass whose activations were
  /// saved, a row a patch.
  package func patchEmbeddingInput(
    of pictures: FeatureMap, _ activations: Activations
  ) -> Matrix {
    if stem != nil { return activations.stem.output.pixels }
    return patchEmbedding.isPointwise ? pictures.pixels : activations.windows
  }

  /// The output of the stem's first layers for a normalised picture; nil for a model without a stem.
  func stemOutput(
    of pixels: FeatureMap, layers: Int, _ activations: inout Activations
  ) -> FeatureMap? {
    guard let stem else { return nil }
    stem(pixels, layers: layers, &activations.stem)
    return activations.stem.output
  }

  /// [CLS] before the patches of each picture, positions added.
  private func embed(_ patches: Matrix, pictures: Int, into x: inout Matrix) {
    precondition(patches.rows == pictures * (tokens - 1) && patches.columns == width)
    x.reshape(rows: pictures * tokens, columns: width)
    let count = (tokens - 1) * width
    for picture in 0..<pictures {
      let first = picture * (width + count)
      x.values.replaceSubrange(first..<first + width, with: classEmbedding)
      x.values.replaceSubrange(
        first + width..<first + width + count,
        with: patches.values[picture * count..<(picture + 1) * count])
    }
    add(
      pictures == 1
        ? positionEmbedding : Array(repeatElement(positionEmbedding, count: pictures).joined()),
      to: &x)
  }
}
