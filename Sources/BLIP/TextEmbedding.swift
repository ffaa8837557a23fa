internal import Checkpoints
internal import Tensors

/// Word + position, then a layer norm. The rows of the words are taken from the mapped checkpoint
/// when they are asked for: a search needs a dozen of thirty thousand.
struct TextEmbedding: Sendable {
  private static let words = "text_encoder.embeddings.word_embeddings.weight"
  private let width, vocabularySize, positions: Int
  private let weights: Weights
  /// `[positions, width]`
  private var positionEmbedding: [Float] = []
  private var norm: LayerNorm

  init(_ configuration: TextConfiguration, weights: Weights) {
    width = configuration.hiddenSize
    vocabularySize = configuration.vocabularySize
    positions = configuration.maximumPositions
    self.weights = weights
    norm = LayerNorm(width: width, epsilon: configuration.layerNormEpsilon)
  }

  /// Visits what is loaded.
  mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    let path = "text_encoder.embeddings"
    try visitor.visit(
      "\(path).position_embeddings.weight", [positions, width], &positionEmbedding)
    try norm.forEachParameter("\(path).LayerNorm", &visitor)
  }

  /// The name and shape of what is not.
  static func words(_ configuration: TextConfiguration) -> (name: String, shape: [Int]) {
    (words, [configuration.vocabularySize, configuration.hiddenSize])
  }

  /// The texts' rows one behind the other, each text from position 0: `[Σ length, width]`.
  func callAsFunction(_ texts: [[Int32]]) throws -> Matrix {
    let ids = texts.joined().map(Int.init)
    var rows = Matrix(
      rows: ids.count, columns: width,
      values: try weights.rows(Self.words, ids, shape: [vocabularySize, width]))
    add(texts.flatMap { positionEmbedding[..<($0.count * width)] }, to: &rows)
    var x = Matrix()
    norm(rows, into: &x)
    return x
  }
}
