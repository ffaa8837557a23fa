internal import LMDB

/// Gives the disk back what an index no longer needs of it: the file is written anew without the pages
/// that deleted and replaced rows have left, and takes the old one's place once it is found sound.
/// Nobody else can open the index for as long as the value lives.
package struct IndexCompaction: ~Copyable {
  private let path: String
  private let compaction: Compaction

  /// The size of the file.
  package var bytesBefore: Int { compaction.bytesBefore }
  /// The room on the disk that it takes: the size of the new file.
  package var bytesNeeded: Int { compaction.bytesNeeded }
  /// The room that there is.
  package var bytesFree: Int { compaction.bytesFree }

  /// Looks how much there is to do. Throws where there is no index, or another process has it open.
  package init(_ path: String) throws(RetrievalError) {
    // Says what there is in place of an index, if there is none.
    do {
      // LMDB trusts the pages that it copies.
      let pages = try asRetrievalError { try IndexStore.open(path).environment.checkPages() }
      if let fault = pages.faults.first {
        throw Self.damaged(path, fault.table, fault.examples.first)
      }
    }
    let compaction = try asRetrievalError { try Compaction(path) }
    self.path = path
    self.compaction = compaction
  }

  /// Writes the new file and puts it in place of the old one; returns its size. Where anything throws,
  /// or the process is killed, the old file is as it was.
  package func run() throws(RetrievalError) -> Int {
    let path = path
    return try asRetrievalError {
      try compaction.run { copy in
        let check = try IndexStore.open(copy).read { try $0.check() }
        guard let fault = check.faults.first else { return }
        throw Self.damaged(path, fault.table, fault.examples.first)
      }
    }
  }

  private static func damaged(_ path: String, _ table: String, _ fault: String?) -> RetrievalError {
    RetrievalError(
      .needsRepair,
      "\(path): damaged (\(table): \(fault ?? "")) and not compacted; repair it first")
  }
}
