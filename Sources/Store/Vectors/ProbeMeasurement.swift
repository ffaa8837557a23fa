internal import LMDB
internal import VectorIndex

/// Rows of `meta`, for each space.
extension ProbeMeasurement {
  private enum Row: String, CaseIterable {
    case target, recall, margin, most, nprobe, vectors, lists

    func name(_ space: VectorSpace) -> String {
      "\(space == .pictures ? "picture" : "text")_probes_\(rawValue)"
    }
  }

  /// Nil where nothing was measured: the space is flat.
  init?<T: Transaction & ~Copyable>(
    of space: VectorSpace, _ meta: Table<UTF8Text, UTF8Text>, at path: String,
    in transaction: borrowing T
  ) throws {
    guard try meta.contains(Row.target.name(space), in: transaction) else { return nil }
    func number<Number: LosslessStringConvertible>(_ row: Row) throws -> Number {
      let text = try meta.get(row.name(space), in: transaction)
      guard let text, let number = Number(text) else {
        throw RetrievalError.damaged(path, "meta has the \(row.name(space)) \(text ?? "nothing")")
      }
      return number
    }
    self.init(
      target: try number(.target), recall: try number(.recall),
      probes: Probes(margin: try number(.margin), nprobe: try number(.most)),
      nprobe: try number(.nprobe), vectors: try number(.vectors), lists: try number(.lists))
    guard (0...1).contains(target), (0...1).contains(recall), probes.margin > 0, probes.nprobe > 0,
      nprobe >= 0, nprobe.isFinite, vectors >= 0, lists >= 0
    else { throw RetrievalError.damaged(path, "meta has impossible probes of \(space)") }
  }

  /// Stores a measurement, or drops it where it is nil.
  static func put<T: WritingTransaction & ~Copyable>(
    _ measurement: ProbeMeasurement?, of space: VectorSpace, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing T
  ) throws(LMDBError) {
    guard let measurement else {
      for row in Row.allCases { try meta.delete(row.name(space), in: transaction) }
      return
    }
    for (row, value) in [
      (Row.target, "\(measurement.target)"), (.recall, "\(measurement.recall)"),
      (.margin, "\(measurement.probes.margin)"), (.most, "\(measurement.probes.nprobe)"),
      (.nprobe, "\(measurement.nprobe)"), (.vectors, "\(measurement.vectors)"),
      (.lists, "\(measurement.lists)"),
    ] {
      try meta.put(row.name(space), value, in: transaction)
    }
  }
}
