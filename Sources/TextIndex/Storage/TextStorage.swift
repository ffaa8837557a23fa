/// Where a text index lies: blocks of postings by term and number, and the statistics.
package protocol TextStorage {
  /// What is known of all documents.
  func statistics() throws -> TextStatistics

  /// The blocks of a term, by ascending number.
  func blocks(of term: String) throws -> [(number: UInt64, bytes: [UInt8])]
}

/// One that can be changed.
package protocol WritableTextStorage: TextStorage {
  /// A block of a term; nil where there is none.
  func block(_ number: UInt64, of term: String) throws -> [UInt8]?

  /// Replaces a block of a term, or removes it (nil).
  func put(_ block: [UInt8]?, number: UInt64, of term: String) throws

  /// Replaces the statistics.
  func put(_ statistics: TextStatistics) throws
}
