internal import BLIP
public import Checkpoints
public import Tensors

/// The whole of BLIP as it is trained: both encoders, ITC and ITM heads and the decoder, which shares
/// all but its self-attention with the image-grounded text encoder; its last layer is the word
/// embedding. Weights are plain floats. Gradients, moments and momentum copies are networks too.
/// Of a convolutional stem the last layers are trained, or none; the others are no part of it.
public struct Network: Sendable {
  /// What the model is made of.
  public let configuration: ModelConfiguration
  /// τ, by which similarities are divided in the contrastive loss.
  public var temperature: Float = 0.07

  /// Without a stem.
  var image: ImageEncoder
  /// What is trained of a stem.
  var stem: StemTail?
  var text: TextEncoder
  var match: MatchHead
  /// The decoder's own self-attention, layer by layer.
  var decoder: [BERTAttention]
  var transform: LanguageModelTransform
  /// The bias of the language model's last layer, `[vocabulary]`.
  var wordBias: [Float] = []

  /// Loads a network. A decoder tensor that the checkpoint lacks is the encoder's, and the other way
  /// round; a language-model head that it lacks starts as one that changes nothing. Throws naming a
  /// tensor that is missing, wrongly shaped or of no use.
  /// - Parameter trainsStem: Whether the last layers of a convolutional stem belong to the network.
  public init(_ folder: ModelFolder, trainsStem: Bool = false) throws {
    configuration = folder.configuration
    image = try ImageEncoder(configuration)
    image.stem = nil
    let vision = configuration.vision
    if trainsStem, let layers = vision.stem {
      stem = try StemTail(layers, side: vision.imageSize / vision.patchSize)
    }
    text = TextEncoder(configuration, weights: nil)
    match = MatchHead(configuration.text)
    decoder = text.layers.map(\.attention)
    transform = LanguageModelTransform(configuration.text)
    var reader = PlainReader(weights: folder.weights)
    try forEachParameter(&reader)
    try reader.end()
    keepPatchesPlain()
  }

  /// Refuses a text that cannot be run: every other call takes for granted that its texts can.
  public func check(_ text: [Int32]) throws(TrainingError) {
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

  /// How many layers of a stem pictures have passed before the network takes them; 0 without one.
  public var frozenStemLayers: Int { stem?.first ?? configuration.vision.stem?.count ?? 0 }

  /// Shows every parameter under its name in the checkpoint.
  public mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    try stem?.forEachParameter(&visitor)
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

  /// A network of zeros: a gradient to add to, or moments.
  public func zeros() -> Network {
    var zeros = self
    var visitor = Zeros()
    zeros.visit(&visitor)
    return zeros
  }

  /// Moves all parameters out, in the order of the walk, which copies nothing; the network
  /// is of no use until they are put back.
  public mutating func takeParameters() -> [Parameter] {
    var taker = Taker()
    visit(&taker)
    return taker.parameters
  }

  /// Puts back what was taken, with whatever numbers it has now.
  public mutating func putParameters(_ parameters: [Parameter]) {
    var giver = Giver(parameters: parameters)
    visit(&giver)
    precondition(giver.next == parameters.count, "parameters of another network")
  }

  /// A walk that cannot fail.
  private mutating func visit(_ visitor: inout some ParameterVisitor) {
    do { try forEachParameter(&visitor) } catch { preconditionFailure("\(error)") }
    keepPatchesPlain()
  }

  /// A patch embedding of several pixels is shown with its numbers in another order, and with that
  /// repacked.
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
        && parameters[next].values.count == shape.reduce(1, *), "parameters of another network")
    defer {
      parameters[next].values = []
      next += 1
    }
    return parameters[next].values
  }
}
