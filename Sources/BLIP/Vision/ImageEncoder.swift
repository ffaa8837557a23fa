package import Checkpoints
package import Tensors

/// Called with the name and value of an intermediate result: how tests hold every layer against the
/// reference.
typealias Observer = (_ name: String, _ value: Matrix) -> Void

/// BLIP's unimodal image encoder with its ITC head: a ViT whose patches are embedded linearly from
/// pixels or from what a convolutional stem makes of them.
package struct ImageEncoder: ModelPart {
  private let width: Int
  package var stem: ConvolutionalStem?
  package var patchEmbedding: Convolution
  /// [CLS], `[1, 1, width]`.
  package var classEmbedding: [Float] = []
  /// `[1, 1 + P, width]`
  package var positionEmbedding: [Float] = []
  /// [CLS] and patches of a picture.
  package let tokens: Int
  package var blocks: [VisionBlock]
  package var norm: LayerNorm
  package var projection: Linear
  /// Whether there is an ITC head; a captioner's has none, and makes features only.
  let hasProjection: Bool

  package init(
    _ configuration: ModelConfiguration, hasProjection: Bool = true
  ) throws(BLIPError) {
    self.hasProjection = hasProjection
    let vision = configuration.vision
    width = vision.hiddenSize
    let side = vision.imageSize / vision.patchSize
    tokens = 1 + side * side
    if let layers = vision.stem {
      stem = try ConvolutionalStem(layers, imageSize: vision.imageSize)
    }
    // A stem already steps by the size of a patch.
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

  /// Room for one picture on its way.
  struct Activations: Sendable {
    fileprivate var stem = ConvolutionalStem.Activations()
    fileprivate var windows = Matrix()
    fileprivate var patches = FeatureMap()
    fileprivate var x = Matrix()
    fileprivate var block = VisionBlock.Activations()
  }

  /// - Parameters: Those of `features`.
  /// - Returns: Patch features `[1 + P, width]`, or `[1, width]`, and the ITC embedding.
  func callAsFunction(
    _ pixels: FeatureMap, keepsFeatures: Bool = true, _ activations: inout Activations,
    observe: Observer? = nil
  ) -> ImageEncoding {
    precondition(hasProjection)
    let features = features(
      pixels, keepsFeatures: keepsFeatures, &activations, observe: observe)
    var embedding = Matrix()
    projection(features.rows(0..<1), into: &embedding)
    return ImageEncoding(features: features, embedding: normalized(embedding.values))
  }

  /// - Parameters:
  ///   - pixels: A normalised picture of the configured size, `[S · S, 3]`.
  ///   - keepsFeatures: Whether the patch features are wanted; the last block computes nothing but
  ///     [CLS] where they are not.
  /// - Returns: `[1 + P, width]`, or `[1, width]`.
  func features(
    _ pixels: FeatureMap, keepsFeatures: Bool = true, _ activations: inout Activations,
    observe: Observer? = nil
  ) -> Matrix {
    if let stem {
      stem(pixels, &activations.stem)
      observe?("stem", activations.stem.output.pixels)
    }
    patchEmbedding(
      stem == nil ? pixels : activations.stem.output, windows: &activations.windows,
      into: &activations.patches)
    observe?("patches", activations.patches.pixels)
    embed(activations.patches.pixels, into: &activations.x)
    observe?("embeddings", activations.x)
    for (index, block) in blocks.enumerated() {
      let onlyFirst = !keepsFeatures && index == blocks.count - 1
      block(activations.x, onlyFirst: onlyFirst, &activations.block)
      swap(&activations.x, &activations.block.output)
      observe?("layer.\(index)", activations.x)
    }
    var features = Matrix()
    norm(activations.x, into: &features)
    return features
  }

  /// What the stem's first layers make of a normalised picture, `[pixels, channels]`; nil for a model
  /// without a stem.
  func stemOutput(
    of pixels: FeatureMap, layers: Int, _ activations: inout Activations
  ) -> Matrix? {
    guard let stem else { return nil }
    stem(pixels, layers: layers, &activations.stem)
    return activations.stem.output.pixels
  }

  /// [CLS] before the patches of each picture, positions added.
  package func embed(_ patches: Matrix, pictures: Int = 1, into x: inout Matrix) {
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

  /// What the product of the patch embedding is given of a picture where there is no stem: the pixels
  /// of its patches, a row a patch.
  package func patches(of pixels: FeatureMap) -> Matrix { patchEmbedding.windows(of: pixels) }
}
