public import Tensors

/// What the image encoder makes of a picture.
public struct ImageEncoding: Sendable {
  /// `[1 + P, D]`, row 0 is [CLS]; `[1, D]` where the patches were not asked for.
  public let features: Matrix
  /// ITC embedding, L2-normalised.
  public let embedding: [Float]
}
