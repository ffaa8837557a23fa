package import Checkpoints
internal import Digests
internal import Glibc
internal import Tensors

/// A fixed sample of texts and their ITC embeddings, which ships with a model (`text_bank.safetensors`). It
/// shows which pictures are near to texts in general: hubs, which every query would find.
package struct TextBank: Sendable {
  /// The file in a model folder.
  package static let file = "text_bank.safetensors"
  /// How many of the nearest texts count (Conneau et al. 2018).
  private static let neighbors = 10
  /// Enough of them, and no more than a run can compare each picture with.
  private static let counts = neighbors...100_000
  private static let tensor = "embeddings"

  /// The texts.
  package let texts: [String]
  private let embeddings: [[Float]]
  /// What tells this bank from others.
  package let digest: String

  /// The bank of a model folder; nil if it has none. Throws if it is not one of this model's width.
  package init?(of folder: ModelFolder) throws {
    let path = "\(folder.path)/\(Self.file)"
    guard let stored = try SafetensorsTexts(path) else { return nil }
    let size = folder.configuration.embeddingSize
    guard let shape = stored.weights.shape(of: Self.tensor), shape.count == 2, shape[1] == size,
      Self.counts.contains(shape[0])
    else {
      throw BLIPError(
        "\(path): no tensor \"\(Self.tensor)\" of \(Self.counts.lowerBound) to "
          + "\(Self.counts.upperBound) rows of \(size) numbers; delete the file, or write it again")
    }
    guard stored.texts.count == shape[0] else {
      throw BLIPError(
        "\(path): \(stored.texts.count) texts and \(shape[0]) embeddings; delete the file, or write it "
          + "again")
    }
    let floats = try stored.weights.floats(Self.tensor, shape: shape)
    let rows = (0..<shape[0]).map { Array(floats[$0 * size..<($0 + 1) * size]) }
    // Not a number, where one of a row's is not: then nothing holds.
    if let row = rows.firstIndex(where: { !(abs(dot($0, $0) - 1) < 0.02) }) {
      throw BLIPError("\(path): embedding \(row) has not the length 1; write the file again")
    }
    self.init(texts: stored.texts, embeddings: rows)
  }

  /// The texts as a model embeds them.
  package init(_ texts: [String], by model: BLIPModel) throws {
    guard Self.counts.contains(texts.count) else {
      throw BLIPError(
        "\(texts.count) texts; a bank has \(Self.counts.lowerBound) to \(Self.counts.upperBound)")
    }
    self.init(texts: texts, embeddings: try model.embed(texts: texts.map { model.tokens(of: $0) }))
  }

  private init(texts: [String], embeddings: [[Float]]) {
    let embeddings = embeddings.map(normalized)
    (self.texts, self.embeddings) = (texts, embeddings)
    var digest = SHA256()
    for row in embeddings { row.withUnsafeBytes { digest.update($0) } }
    self.digest = hexadecimal(digest.finish())
  }

  /// Half the mean cosine of a picture's embedding to the texts nearest to it.
  package func hubness(of embedding: [Float]) -> Float {
    var nearest = [Float](repeating: -.infinity, count: Self.neighbors)
    for row in embeddings {
      let cosine = dot(row, embedding)
      guard cosine > nearest[0] else { continue }
      // In ascending order.
      var place = 0
      while place + 1 < nearest.count, nearest[place + 1] < cosine {
        nearest[place] = nearest[place + 1]
        place += 1
      }
      nearest[place] = cosine
    }
    return nearest.reduce(0, +) / Float(2 * Self.neighbors)
  }

  /// Writes it into a model folder.
  package func write(to folder: String) throws {
    let size = embeddings[0].count
    try writeSafetensors(
      WeightStorage.int8.stored(
        Self.tensor, [embeddings.count, size], Array(embeddings.joined())),
      metadata: ["texts": texts.joined(separator: "\n")], to: "\(folder)/\(Self.file)")
  }
}

/// A file of tensors that says of which texts they are.
private struct SafetensorsTexts {
  let weights: Weights
  let texts: [String]

  /// Nil if there is no such file.
  init?(_ path: String) throws {
    guard access(path, F_OK) == 0 else { return nil }
    weights = try Weights(file: path)
    texts = try (safetensorsMetadata(path)["texts"] ?? "").split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
  }
}
