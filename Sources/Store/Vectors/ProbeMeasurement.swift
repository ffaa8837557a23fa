internal import LMDB
internal import VectorIndex

/// What was measured of the lists of a space, and how they are therefore probed: rows of `meta`.
struct ProbeMeasurement: Equatable {
  /// The recall that was asked for, and the one found with held-out vectors.
  var target: Double
  var recall: Double
  /// Which lists a search visits.
  var probes: Probes
  /// How many that was, on average.
  var nprobe: Double
  /// Vectors and lists that there were.
  var vectors: Int
  var lists: Int

  private enum Row: String, CaseIterable {
    case target, recall, margin, most, nprobe, vectors, lists

    func name(_ space: VectorSpace) -> String {
      "\(space == .pictures ? "picture" : "text")_probes_\(rawValue)"
    }
  }

  init(target: Double, _ result: ProbeCalibration.Result, vectors: Int, lists: Int) {
    (self.target, recall, probes) = (target, result.recall, result.probes)
    (nprobe, self.vectors, self.lists) = (result.lists, vectors, lists)
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
    target = try number(.target)
    recall = try number(.recall)
    probes = Probes(margin: try number(.margin), nprobe: try number(.most))
    nprobe = try number(.nprobe)
    vectors = try number(.vectors)
    lists = try number(.lists)
    guard (0...1).contains(target), (0...1).contains(recall), probes.margin > 0, probes.nprobe > 0,
      nprobe >= 0, nprobe.isFinite, vectors >= 0, lists >= 0
    else { throw RetrievalError.damaged(path, "meta has impossible probes of \(space)") }
  }

  func write(
    _ space: VectorSpace, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    for (row, value) in [
      (Row.target, "\(target)"), (.recall, "\(recall)"), (.margin, "\(probes.margin)"),
      (.most, "\(probes.nprobe)"), (.nprobe, "\(nprobe)"), (.vectors, "\(vectors)"),
      (.lists, "\(lists)"),
    ] {
      try meta.put(row.name(space), value, in: transaction)
    }
  }

  static func remove(
    _ space: VectorSpace, _ meta: Table<UTF8Text, UTF8Text>,
    in transaction: borrowing WriteTransaction
  ) throws(LMDBError) {
    for row in Row.allCases { try meta.delete(row.name(space), in: transaction) }
  }
}
