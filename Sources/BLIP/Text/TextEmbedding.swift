internal import Checkpoints
package import Tensors

/// Word + position, then a layer norm. The rows of the words are taken from the mapped checkpoint
/// when they are asked for (a search needs a dozen of thirty thousand), or are loaded whole to be
/// trained.
package struct TextEmbedding: Sendable {
  private let path: String
  private let width, vocabularySize, positions: Int
  /// Where the words are read from; nil where they are loaded.
  private let weights: Weights?
  /// `[vocabulary, width]`, where they are loaded.
  package var words: Matrix
  /// `[positions, width]`
  package var positionEmbedding: [Float] = []
  package var norm: LayerNorm

  /// - Parameters:
  ///   - path: The part of the checkpoint that the embedding lies in.
  ///   - weights: Where the words are read from as they are needed; nil to have them loaded.
  init(_ configuration: TextConfiguration, path: String = "text_encoder", weights: Weights?) {
    self.path = "\(path).embeddings"
    width = configuration.hiddenSize
    vocabularySize = configuration.vocabularySize
    positions = configuration.maximumPositions
    self.weights = weights
    words = Matrix()
    norm = LayerNorm(width: width, epsilon: configuration.layerNormEpsilon)
  }

  /// Visits what is loaded.
  mutating func forEachParameter(_ visitor: inout some ParameterVisitor) throws {
    if weights == nil { try visitWords(&visitor) }
    try visitor.visit(
      "\(path).position_embeddings.weight", [positions, width], &positionEmbedding)
    try norm.forEachParameter("\(path).LayerNorm", &visitor)
  }

  private mutating func visitWords(_ visitor: inout some ParameterVisitor) throws {
    // Moved out and in again: a matrix always has as many numbers as its shape says.
    var values: [Float] = []
    swap(&values, &words.values)
    try visitor.visit(wordsName, [vocabularySize, width], &values)
    words = values.isEmpty ? Matrix() : Matrix(rows: vocabularySize, columns: width, values: values)
  }

  /// The name of the word embedding in the checkpoint.
  var wordsName: String { "\(path).word_embeddings.weight" }

  /// The name and shape of what is not loaded.
  static func words(_ configuration: TextConfiguration) -> (name: String, shape: [Int]) {
    (
      TextEmbedding(configuration, weights: nil).wordsName,
      [configuration.vocabularySize, configuration.hiddenSize]
    )
  }

  /// The texts' rows one behind the other, each text from a position on: `[Σ length, width]`.
  func callAsFunction(_ texts: [[Int32]], from position: Int = 0) throws -> Matrix {
    let ids = texts.joined().map(Int.init)
    var rows =
      try weights.map {
        Matrix(
          rows: ids.count, columns: width,
          values: try $0.rows(wordsName, ids, shape: [vocabularySize, width]))
      } ?? words.rows(ids)
    addPositions(of: texts, from: position, to: &rows)
    var x = Matrix()
    norm(rows, into: &x)
    return x
  }

  /// Adds the position of every token of the texts to the row of its word.
  package func addPositions(
    of texts: [[Int32]], from position: Int = 0, to rows: inout Matrix
  ) {
    let first = position * width
    add(texts.flatMap { positionEmbedding[first..<first + $0.count * width] }, to: &rows)
  }
}
