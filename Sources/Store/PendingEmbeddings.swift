/// Embeddings that a transaction has changed and not stored yet, so that a block of vectors is
/// written once for all that go into it or leave it.
final class PendingEmbeddings {
  /// Some megabytes; then they are stored before the transaction's end.
  private static let most = 8192
  private var changes: [VectorSpace: [UInt64: [Float]?]] = [:]

  var isFull: Bool { changes.values.contains { $0.count >= Self.most } }

  func set(_ space: VectorSpace, _ id: UInt64, to embedding: [Float]?) {
    changes[space, default: [:]].updateValue(embedding, forKey: id)
  }

  func store(_ body: (VectorSpace, [UInt64: [Float]?]) throws -> Void) rethrows {
    for (space, changed) in changes { try body(space, changed) }
    changes = [:]
  }
}
