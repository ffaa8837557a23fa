/// What an index's rows look like.
struct IndexFormat: Sendable, Equatable {
  /// 1 to `MetadataTable.formatVersion`.
  let version: Int
  /// The mark in the seals of records (`RecordSeal`); nil in formats 1 to 4, which have none.
  let mark: UInt32?
}
