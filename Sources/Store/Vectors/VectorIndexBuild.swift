internal import LMDB
package import VectorIndex

/// The caller wanted the work to end; nothing of it was kept.
package struct Interrupted: Error {
  package init() {}
}

extension IndexStore {
  /// Brings the vector index to the number of its vectors: flat, or in lists, with probes measured for
  /// the recall wanted. Most runs find nothing to do. Meanwhile searches read what was there.
  ///
  /// `report` gets the number of vectors before the work begins. Returns false if `shouldStop` ended it:
  /// then nothing has changed.
  package func updateVectorIndex(
    _ options: VectorIndexOptions = VectorIndexOptions(), shouldStop: () -> Bool = { false },
    report: (Int) -> Void = { _ in }
  ) throws -> Bool {
    if let recall = options.recall, try read({ try $0.recall() }) != recall {
      try write {
        try MetadataTable.setRecall(recall, $0.tables.meta, in: $0.transaction)
      }
    }
    for space in [VectorSpace.pictures, .texts] {
      let work = try read { snapshot in
        try snapshot.tables.vectorIndexWork(on: space, options, in: snapshot.transaction)
      }
      guard let work else { continue }
      do {
        try write { change in
          report(try change.tables.vectorCount(of: space, in: change.transaction))
          try change.tables.perform(
            work, on: space, shouldStop: shouldStop, in: change.transaction)
        }
      } catch is Interrupted { return false }
    }
    return true
  }
}

extension IndexSnapshot {
  fileprivate func recall() throws -> Double? {
    try MetadataTable.recall(tables.meta, of: tables.path, in: transaction)
  }
}
