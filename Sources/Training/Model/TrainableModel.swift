internal import BLIP
public import Checkpoints
internal import Tensors

/// All of BLIP as it is trained: both encoders, ITC and ITM heads and the decoder, which shares all but
/// its self-attentions with the image-grounded text encoder; its last layer is the word embedding.
/// Weights are plain floats. Gradients, moments and momentum copies have this type too. Of a
/// convolutional stem the last layers are trained, or none; the others are not part of it.
public struct TrainableModel: Sendable {
  /// The model's dimensions.
  public let configuration: ModelConfiguration
  /// τ, by which similarities are divided in the contrastive loss.
  public internal(set) var temperature: Float = 0.07

  /// With the trained layers of the stem.
  var image: ImageEncoder
  var text: TextEncoder
  var match: MatchHead
  /// The decoder's own self-attentions, layer by layer.
  var decoder: [BERTAttention]
  var transform: LanguageModelTransform
  /// The bias of the language model's last layer, `[vocabulary]`.
  var wordBias: [Float] = []

  /// Loads a model. A decoder tensor that the checkpoint lacks is taken from the encoder, and vice
  /// versa; a missing language-model head is initialised to the identity. Throws an error naming a
  /// tensor that is missing, has a wrong shape or is not used.
  /// - Parameter trainsStem: Whether the last layers of a convolutional stem are trained.
  public init(_ folder: ModelFolder, trainsStem: Bool = false) throws {
    configuration = folder.configuration
    let stem = configuration.vision.stem ?? []
    let firstTrained = trainsStem ? ConvolutionalStem.firstTrainableLayer(of: stem) : nil
    image = try ImageEncoder(configuration, firstStemLayer: firstTrained ?? stem.count)
    text = TextEncoder(configuration, weights: nil)
    match = MatchHead(configuration.text)
    decoder = text.attention
    transform = LanguageModelTransform(configuration.text)
    var loader = FloatWeightLoader(weights: folder.weights)
    try forEachParameter(&loader)
    try loader.end()
    keepPatchesPlain()
  }

  /// Throws for a text that cannot be run: all other methods require that theirs can.
  func check(_ text: [Int32]) throws(TrainingError) {
    let configuration = configuration.text
    guard 2...configuration.maximumPositions ~= text.count else {
      throw TrainingError(
        "a text of \(text.count) tokens; the model takes 2 to \(configuration.maximumPositions)")
    }
    if let id = text.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
      throw TrainingError(
        "token \(id) is not in the model's vocabulary of \(configuration.vocabularySize); does "
          + "vocab.txt belong to it?")
    }
  }

  /// Layers of a stem that pictures have passed before the model is given them; 0 without a stem.
  public var frozenStemLayers: Int {
    image.stem?.first ?? configuration.vision.stem?.count ?? 0
  }

  /// Visits every parameter under its name in the checkpoint.
  mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    try image.forEachParameter(&visitor)
    try text.forEachParameter(&visitor)
    try match.forEachParameter(&visitor)
    for index in decoder.indices {
      try decoder[index].forEachParameter(
        "text_decoder.bert.encoder.layer.\(index).attention", &visitor)
    }
    try transform.forEachParameter(&visitor)
    try visitor.visit(
      LanguageModelTransform.biasName, [configuration.text.vocabularySize], &wordBias)
    var temperatures = [temperature]
    try visitor.visit("temp", [], &temperatures)
    temperature = temperatures.first ?? temperature
  }

  /// A model of zeros: an empty gradient, or moments.
  func zeros() -> TrainableModel {
    var zeros = self
    var visitor = Zeros()
    zeros.visit(&visitor)
    return zeros
  }

  /// Moves all parameters out, in the order of the visit, without copying; the model is unusable until
  /// they are put back.
  mutating func takeParameters() -> [Parameter] {
    var taker = Taker()
    visit(&taker)
    return taker.parameters
  }

  /// Puts back what was taken, with any values.
  mutating func putParameters(_ parameters: [Parameter]) {
    var giver = Giver(parameters: parameters)
    visit(&giver)
    precondition(giver.next == parameters.count, "parameters of another model")
  }

  /// A visit that cannot fail.
  private mutating func visit(_ visitor: inout some ParameterVisitor) {
    do { try forEachParameter(&visitor) } catch { preconditionFailure("\(error)") }
    keepPatchesPlain()
  }

  /// A patch embedding of several pixels is visited with its numbers in another order, and repacked by
  /// that.
  private mutating func keepPatchesPlain() {
    if !image.patchEmbedding.product.weight.isPlain {
      let floats = image.patchEmbedding.product.weight.floats
      if !floats.isEmpty { image.patchEmbedding.product.weight.load(plain: floats) }
    }
  }
}

private struct Zeros: ParameterVisitor {
  func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
    values = [Float](repeating: 0, count: shape.reduce(1, *))
  }

  func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) {
    matrix.load(plain: [Float](repeating: 0, count: matrix.rows * matrix.columns))
  }
}

private struct Taker: ParameterVisitor {
  var parameters: [Parameter] = []

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
    parameters.append(Parameter(name: name, shape: shape, values: values))
    values = []
  }
}

private struct Giver: ParameterVisitor {
  var parameters: [Parameter]
  var next = 0

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
    values = take(name, shape)
  }

  mutating func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) {
    matrix.load(plain: take(name, shape))
  }

  private mutating func take(_ name: String, _ shape: [Int]) -> [Float] {
    precondition(
      next < parameters.count && parameters[next].name == name
        && parameters[next].values.count == shape.reduce(1, *), "parameters of another model")
    defer {
      parameters[next].values = []
      next += 1
    }
    return parameters[next].values
  }
}
