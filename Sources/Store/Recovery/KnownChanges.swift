internal import LMDB

/// What a damaged file says of the last changes of an index.
struct KnownChanges {
  /// By the mark of the index that they are of, the newest first.
  private let found: [UInt32: [RecentChanges]]
  /// Those of the tables that are read; nil if they are surely the newest, or it is not known.
  private let read: RecentChanges?
  private let isNewest: Bool

  init(_ damaged: TableRecovery) {
    let key = Array(RecentChanges.key.utf8)
    var found: [UInt32: [RecentChanges]] = [:]
    for row in damaged.leaves(withKey: key).compactMap({ $0[key] }) {
      guard let changes = SettingsCopy.changes(ofStray: row) else { continue }
      found[changes.mark, default: []].append(changes.value)
    }
    self.found = found.mapValues { $0.sorted { $0.revision > $1.revision } }
    isNewest = damaged.isNewest
    // The closure throws nothing.
    let row = try? damaged.value(of: key, in: SettingsCopy.name)
    read = (row ?? nil).flatMap { SettingsCopy.changes(ofStray: $0)?.value }
  }

  /// The newest of an index.
  func newest(of mark: UInt32?) -> RecentChanges? { mark.flatMap { found[$0]?.first } }

  /// The pictures and texts that the tables may have as they were before they were removed or replaced.
  func outdated(of mark: UInt32?) -> (pictures: Set<UInt64>, texts: Set<UInt64>) {
    guard !isNewest, let newest = newest(of: mark) else { return ([], []) }
    let revision = read?.revision ?? 0
    return (
      newest.changed(.pictures, after: revision), newest.changed(.texts, after: revision)
    )
  }
}
