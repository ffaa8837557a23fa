public import Tensors

/// The image encoder's output for a picture.
public struct ImageEncoding: Sendable {
  /// `[1 + P, D]`, row 0 is [CLS]; `[1, D]` if the patches were not wanted.
  public let features: Matrix
  /// ITC embedding, L2-normalised.
  public let embedding: [Float]

  /// An encoding that was stored.
  public init(features: Matrix, embedding: [Float]) {
    (self.features, self.embedding) = (features, embedding)
  }
}
