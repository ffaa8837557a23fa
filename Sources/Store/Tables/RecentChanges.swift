internal import LMDB

/// How many records an index has, and which its last transactions removed or replaced: a sealed row beside the
/// copy of the settings.
///
/// A file whose list of tables or header is lost still has the tables of an earlier transaction, in which those
/// records are as they were. A repair leaves them out.
struct RecentChanges: Sendable, Equatable {
  /// A picture or text that was removed or replaced.
  struct Change: Sendable, Equatable {
    /// That of the transaction.
    let revision: UInt64
    /// `pictures` or `texts`.
    let space: VectorSpace
    let id: UInt64
  }

  static let key = "changes"
  /// How many changes of earlier transactions are kept besides those of the last one.
  private static let mostEarlier = 128

  /// Counts the transactions that changed pictures, texts or settings.
  private(set) var revision: UInt64 = 0
  /// LMDB's number of the transaction that wrote this: as long as it is that of the file, nothing newer is there.
  private(set) var transaction: UInt64 = 0
  private(set) var pictures: UInt64 = 0
  private(set) var texts: UInt64 = 0
  /// The oldest first.
  private(set) var changes: [Change] = []

  /// What is said after one more transaction.
  mutating func add(
    _ changed: [(space: VectorSpace, id: UInt64)], pictures: Int, texts: Int, transaction: Int
  ) {
    revision += 1
    self.transaction = UInt64(transaction)
    (self.pictures, self.texts) = (UInt64(pictures), UInt64(texts))
    changes =
      changes.suffix(Self.mostEarlier)
      + changed.map { Change(revision: revision, space: $0.space, id: $0.id) }
  }

  /// The ids of a space that were removed or replaced after a revision.
  func changed(_ space: VectorSpace, after revision: UInt64) -> Set<UInt64> {
    Set(changes.filter { $0.space == space && $0.revision > revision }.map(\.id))
  }
}

extension RecentChanges: Codec {
  typealias Table = SealedTable<UTF8Text, RecentChanges>

  /// Revision, transaction, pictures and texts u64; then of each change revision u64, space u8, id u64.
  static func encode(_ value: RecentChanges) -> [UInt8] {
    var writer = ByteWriter()
    for number in [value.revision, value.transaction, value.pictures, value.texts] {
      writer.write(number)
    }
    for change in value.changes {
      writer.write(change.revision)
      writer.write(change.space.rawValue)
      writer.write(change.id)
    }
    return writer.bytes
  }

  static func decode(_ bytes: RawSpan) throws(MalformedBytes) -> RecentChanges {
    var reader = ByteReader(bytes)
    var value = RecentChanges()
    value.revision = try reader.read(UInt64.self)
    value.transaction = try reader.read(UInt64.self)
    value.pictures = try reader.read(UInt64.self)
    value.texts = try reader.read(UInt64.self)
    while !reader.isAtEnd {
      let revision = try reader.read(UInt64.self)
      guard let space = VectorSpace(rawValue: try reader.read(UInt8.self)) else {
        throw MalformedBytes("a change of neither a picture nor a text")
      }
      value.changes.append(
        Change(revision: revision, space: space, id: try reader.read(UInt64.self)))
    }
    return value
  }
}

/// The pictures and texts that a transaction has removed or replaced.
final class ChangedRecords {
  private(set) var all: [(space: VectorSpace, id: UInt64)] = []

  func add(_ space: VectorSpace, _ id: UInt64) { all.append((space, id)) }
}

extension IndexTables {
  /// Brings the copy of the settings and the recent changes up to date; writes nothing where nothing has
  /// changed.
  func completeWrite(
    _ changed: [(space: VectorSpace, id: UInt64)] = [], in transaction: borrowing WriteTransaction
  ) throws {
    guard let settingsCopy, let recentChanges else { return }
    let hasNewSettings = try SettingsCopy.write(of: meta, to: settingsCopy, in: transaction)
    var recent = try recentChanges.sound(RecentChanges.key, in: transaction) ?? RecentChanges()
    let counts = (
      try pictures.statistics(in: transaction).entries,
      try texts.statistics(in: transaction).entries
    )
    guard
      hasNewSettings || !changed.isEmpty || counts != (Int(recent.pictures), Int(recent.texts))
    else { return }
    recent.add(
      changed, pictures: counts.0, texts: counts.1, transaction: transaction.snapshotID)
    try recentChanges.put(RecentChanges.key, recent, in: transaction)
  }
}
