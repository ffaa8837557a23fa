internal import BLIP
internal import Tensors

/// The latency of a search by text at a rerank depth, on all threads: the text is embedded, all pictures
/// are compared, `depth` of them matched as a search does. Reading features from the disk is left out.
struct QueryCost {
  private let model: BLIPModel
  private let encoded: EncodedSet
  private let features: [Matrix]

  /// Number of queries timed at a depth, and the seconds after which no further one starts.
  private static let queries = 9
  private static let patience = 4.0
  /// Number of pictures matched together, as `Searcher` does; the same ones each time.
  private static let picturesAtOnce = 16

  init(model: BLIPModel, of encoded: EncodedSet, features: (Int) throws -> Matrix) rethrows {
    (self.model, self.encoded) = (model, encoded)
    self.features = try encoded.pictures.indices.prefix(Self.picturesAtOnce).map(features)
  }

  /// The median for each depth that was reached.
  func milliseconds(of depths: [Int], shouldStop: () -> Bool) throws -> [Int: Double] {
    var medians: [Int: Double] = [:]
    // The first search loads the weights.
    try search(0, depth: depths.contains { $0 > 0 } ? 1 : 0)
    for depth in depths where !shouldStop() {
      let start = ContinuousClock.now
      var samples: [Double] = []
      for query in 0..<Self.queries
      where samples.isEmpty || (ContinuousClock.now - start) / .seconds(1) < Self.patience {
        let begun = ContinuousClock.now
        try search(
          query * encoded.tokens.count / Self.queries, depth: min(depth, encoded.ids.count))
        samples.append((ContinuousClock.now - begun) / .milliseconds(1))
      }
      medians[depth] = samples.sorted()[samples.count / 2]
    }
    return medians
  }

  private func search(_ text: Int, depth: Int) throws {
    let embedding = try model.embed(texts: [encoded.tokens[text]])[0]
    _ = encoded.pictures.map { dot(embedding, $0) }
    var left = depth
    while left > 0 {
      _ = try model.match(text: encoded.tokens[text], features: Array(features.prefix(left)))
      left -= features.count
    }
  }
}
