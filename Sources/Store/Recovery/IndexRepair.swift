internal import LMDB

/// What a repair found and did.
public struct IndexRepair: Sendable, Equatable {
  /// What was wrong before.
  public let check: IndexCheck
  /// Pictures that were lost, to be encoded again by the next `blip index`.
  public let pictures: Int
  /// Texts that were lost, alone or with their picture.
  public let texts: Int
  /// The paths of those of the pictures whose path is known, at most `mostPaths`.
  public let paths: [[UInt8]]

  /// The most paths that are named.
  public static let mostPaths = 10_000

  init(check: IndexCheck, pictures: Int = 0, texts: Int = 0, paths: [[UInt8]] = []) {
    (self.check, self.pictures, self.texts, self.paths) = (check, pictures, texts, paths)
  }
}

extension IndexStore {
  /// Repairs an index that nobody has open: what is sound is read from the damaged file page by page, without
  /// LMDB, and written into a new one, in which all else is made from it; then the new file takes the place of
  /// the old one. A sound index is left alone. If it throws, or the process is killed, the old file is as
  /// it was. Waits while another run writes the index, and then calls `whenHeld`.
  package static func repair(
    _ path: String, whenHeld: (String) -> Void = { _ in }
  ) throws(RetrievalError) -> IndexRepair {
    try requireIndex(at: path)
    let lock = try WriterLock.take(of: path, shouldStop: { false }, whenHeld: whenHeld)
    defer { withExtendedLifetime(lock) {} }
    let check = try check(path)
    guard !check.isSound else { return IndexRepair(check: check) }
    return try asRetrievalError {
      let replacement = try FileReplacement(path)
      var recovered: RecoveredIndex?
      _ = try replacement.run { folder in
        let recovery = IndexRecovery(
          of: path, from: TableRecovery(try PageFile(path + "/data.mdb")))
        recovered = try recovery.write(to: folder)
        let remaining = try Self.check(folder)
        guard remaining.isSound else {
          let fault = remaining.faults.first?.examples.first ?? ""
          throw RetrievalError(
            "\(path): the repaired copy is not sound (\(fault)); nothing was changed")
        }
      }
      return IndexRepair(
        check: check, pictures: recovered?.lostPictures ?? 0, texts: recovered?.lostTexts ?? 0,
        paths: recovered?.lostPaths ?? [])
    }
  }
}
