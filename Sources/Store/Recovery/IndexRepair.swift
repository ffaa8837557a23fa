internal import LMDB

/// What a repair found and did.
public struct IndexRepair: Sendable, Equatable {
  /// What was wrong before.
  public let check: IndexCheck
  /// Whether it is known how many were lost; otherwise there may be more.
  public let isCounted: Bool
  /// Pictures that were lost, to be encoded again by the next `blip index`.
  public let pictures: Int
  /// Texts that were lost, alone or with their picture.
  public let texts: Int
  /// The paths of those of the pictures whose path is known, at most `mostPaths`.
  public let paths: [[UInt8]]

  /// The most paths that are named.
  public static let mostPaths = 10_000

  /// A repair of a sound index.
  init(check: IndexCheck) { self.init(check, RecoveredIndex()) }

  init(_ check: IndexCheck, _ recovered: RecoveredIndex) {
    self.check = check
    (isCounted, pictures, texts) = (
      recovered.isCounted, recovered.lostPictures, recovered.lostTexts
    )
    paths = recovered.lostPaths
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
      return IndexRepair(check, recovered ?? RecoveredIndex())
    }
  }
}
