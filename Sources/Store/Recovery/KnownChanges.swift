internal import LMDB

/// What a damaged file says of the last changes of an index.
struct KnownChanges {
  /// The newest by the mark of the index that they are of.
  private let newest: [UInt32: RecentChanges]
  /// Those of the tables that are read; nil if that row cannot be read.
  private let read: RecentChanges?
  private let isNewest: Bool

  init(_ damaged: TableRecovery) {
    let key = Array(RecentChanges.key.utf8)
    var newest: [UInt32: RecentChanges] = [:]
    for row in damaged.leaves(withKey: key).compactMap({ $0[key] }) {
      guard let (changes, mark) = SettingsCopy.changes(ofStray: row) else { continue }
      if changes.revision >= newest[mark]?.revision ?? 0 { newest[mark] = changes }
    }
    self.newest = newest
    isNewest = damaged.isNewest
    // The closure throws nothing.
    let row = try? damaged.value(of: key, in: SettingsCopy.name)
    read = (row ?? nil).flatMap { SettingsCopy.changes(ofStray: $0)?.value }
  }

  /// The newest of an index.
  func newest(of mark: UInt32?) -> RecentChanges? { mark.flatMap { newest[$0] } }

  /// The pictures and texts that the tables may have as they were before they were removed or replaced.
  func outdated(of mark: UInt32?) -> (pictures: Set<UInt64>, texts: Set<UInt64>) {
    guard !isNewest, let newest = newest(of: mark) else { return ([], []) }
    let revision = read?.revision ?? 0
    return (
      newest.changed(.pictures, after: revision), newest.changed(.texts, after: revision)
    )
  }
}
