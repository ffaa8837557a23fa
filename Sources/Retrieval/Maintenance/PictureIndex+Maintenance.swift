internal import Dispatch
public import Store

extension PictureIndex {
  /// What the index contains.
  public func statistics() async throws -> IndexStatistics {
    try await shared.read { store in try store.read { try IndexStatistics($0) } }
  }

  /// Walks through the collection and returns the files that are not read as pictures, and the folders
  /// that are not searched, in the order of a sorted walk. Hidden files are not listed.
  public func leftOutFiles() async throws -> [LeftOutFile] {
    try await shared.read { store in
      try Retrieval.leftOutFiles(of: store.metadata)
    }
  }

  /// Checks every page of the file and every row of every table, and compares tables that refer to each
  /// other. All faults are found, not only the first.
  public func check() async throws -> IndexCheck {
    try await shared.read { store in try store.check() }
  }

  /// Checks an index that is not open, and may be too damaged to be.
  public static func check(at path: String) async throws -> IndexCheck {
    try await onThread { () throws(RetrievalError) in try IndexStore.check(path) }
  }

  /// Repairs the index: all that is sound is written into a new file, which takes the place of the old one;
  /// what can be derived from it is made again. Pictures and texts that have lost a part are dropped, so that
  /// the next update encodes them again. A sound index is left alone. Searches wait meanwhile, and no other
  /// process may have the index open.
  /// - Parameter waiting: Called with the other process's name where this has to wait for it.
  public func repair(
    waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> IndexRepair {
    try await shared.write {
      try await shared.whileClosed { path in try IndexStore.repair(path, whenHeld: waiting) }
    }
  }

  /// Repairs an index that is not open, and may be too damaged to be (``repair(waiting:)``).
  /// - Throws: `RetrievalError`; with the code `beyondRepair` if nothing of the index can be recovered.
  public static func repair(
    at path: String, waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> IndexRepair {
    try await onThread { () throws(RetrievalError) in
      try IndexStore.repair(path, whenHeld: waiting)
    }
  }

  /// Runs what blocks on a thread of its own.
  private static func onThread<Success: Sendable>(
    _ body: @escaping @Sendable () throws(RetrievalError) -> Success
  ) async throws(RetrievalError) -> Success {
    let result: Result<Success, RetrievalError> = await withCheckedContinuation { continuation in
      DispatchQueue.global(qos: .userInitiated).async {
        continuation.resume(returning: Result { () throws(RetrievalError) in try body() })
      }
    }
    return try result.get()
  }

  /// Reclaims the disk space left by deleted pictures: writes the file again without unused pages and
  /// replaces the old one. Searches wait meanwhile, and no other process may have the index open.
  /// - Parameter starting: Called before anything is written; what it throws ends the compaction.
  /// - Returns: The size of the file, before and after.
  @discardableResult
  public func compact(
    starting: @escaping @Sendable (CompactionPlan) throws -> Void = { _ in }
  ) async throws -> (bytesBefore: Int, bytesAfter: Int) {
    return try await shared.whileClosed { path in
      let compaction = try IndexCompaction(path)
      try starting(CompactionPlan(compaction))
      return (compaction.bytesBefore, try compaction.run())
    }
  }
}

/// What a compaction needs.
public struct CompactionPlan: Sendable {
  /// The size of the file.
  public let bytesBefore: Int
  /// The free disk space needed: the size of the new file.
  public let bytesNeeded: Int
  /// The free disk space available.
  public let bytesFree: Int

  init(_ compaction: borrowing IndexCompaction) {
    bytesBefore = compaction.bytesBefore
    bytesNeeded = compaction.bytesNeeded
    bytesFree = compaction.bytesFree
  }
}
