internal import LMDB
package import VectorIndex

/// How the vectors of pictures or of texts are indexed.
public struct VectorSummary: Sendable, Equatable {
  /// Lists, some of which a search probes.
  public struct Lists: Sendable, Equatable {
    /// How many there are.
    public let count: Int
    /// How many a search probes on average.
    public let nprobe: Double
    /// The share of the 10 nearest that was found so with held-out vectors.
    public let recall: Double
    /// The share that was asked for.
    public let target: Double
    /// Which lists a search probes.
    package let probes: Probes
  }

  /// How many vectors there are.
  public let vectors: Int
  /// Nil where the space is flat: every search is exact.
  public let lists: Lists?
  /// False in an index of the first format, whose embeddings are scanned as they are until the next
  /// `blip index`.
  public let hasCodes: Bool
}

extension IndexSnapshot {
  /// How the embeddings of pictures are indexed, and those of texts.
  package func vectorSummaries() throws -> (pictures: VectorSummary, texts: VectorSummary) {
    (try summary(of: .pictures), try summary(of: .texts))
  }

  private func summary(of space: VectorSpace) throws -> VectorSummary {
    let vectors = try tables.vectorCount(of: space, in: transaction)
    guard
      let count = try tables.vectors?.listCount(of: space, in: transaction), count > 0,
      let measured = try ProbeMeasurement(
        of: space, tables.meta, at: tables.path, in: transaction)
    else { return VectorSummary(vectors: vectors, lists: nil, hasCodes: tables.vectors != nil) }
    return VectorSummary(
      vectors: vectors,
      lists: VectorSummary.Lists(
        count: count, nprobe: measured.nprobe, recall: measured.recall, target: measured.target,
        probes: measured.probes),
      hasCodes: true)
  }
}
