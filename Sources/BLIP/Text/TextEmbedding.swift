internal import Checkpoints
package import Tensors

/// Word + position, then a layer norm. The rows of the words are read from the mapped checkpoint when
/// they are needed (a search needs a dozen of thirty thousand), or are all loaded, to be trained.
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
  ///   - path: The part of the checkpoint that holds the embedding.
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

  /// The rows of the texts' words, `[Σ length, width]`.
  package func words(of texts: [[Int32]]) throws -> Matrix {
    let ids = texts.joined().map(Int.init)
    guard let weights else { return words.rows(ids) }
    return Matrix(
      rows: ids.count, columns: width,
      values: try weights.rows(wordsName, ids, shape: [vocabularySize, width]))
  }

  /// The embeddings of texts, concatenated: `[Σ length, width]`.
  /// - Parameters:
  ///   - words: The rows of their words.
  ///   - position: Of the first token of every text.
  ///   - dropout: In training.
  package func callAsFunction(
    _ words: Matrix, of texts: [[Int32]], from position: Int = 0, dropout: Dropout? = nil,
    savingActivations: Bool = false, _ activations: inout TextActivations
  ) -> Matrix {
    var sum = words
    let first = position * width
    add(texts.flatMap { positionEmbedding[first..<first + $0.count * width] }, to: &sum)
    var x = Matrix()
    norm(sum, into: &x)
    drop(&x, dropout)
    if savingActivations {
      (activations.embedded, activations.embeddingDropout) = (sum, dropout)
    }
    return x
  }
}
