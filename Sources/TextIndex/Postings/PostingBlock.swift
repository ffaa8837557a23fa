/// The occurrences of a term in the documents of a range of ids, as bytes.
///
/// The number of documents u16, then the documents by ascending id: the difference to the id before (to the first id of the range for the
/// first) as a varint of 7 bits a byte, then of each field that has the term two bytes: the field (bits 0
/// to 3), the frequency less 1 (bits 4 to 6) and whether it is the last (bit 7); and the field's length.
package enum PostingBlock {
  /// The ids of a block's range.
  package static let idsPerBlock: UInt64 = 4096

  /// A document in which the term occurs.
  package struct Posting: Sendable, Equatable {
    /// The document.
    package let id: UInt64
    /// Where, by ascending field; not empty.
    package let occurrences: [FieldOccurrence]
  }

  /// The number of the block that an id belongs to.
  package static func number(of id: UInt64) -> UInt64 { id / idsPerBlock }

  /// - Precondition: the ids ascend and belong to the block.
  static func encode(_ postings: [Posting], number: UInt64) -> [UInt8] {
    var bytes = [
      UInt8(truncatingIfNeeded: postings.count), UInt8(truncatingIfNeeded: postings.count >> 8),
    ]
    var previous = number * idsPerBlock
    for posting in postings {
      append(posting.id - previous, to: &bytes)
      previous = posting.id
      for (index, occurrence) in posting.occurrences.enumerated() {
        let isLast = index == posting.occurrences.count - 1
        bytes.append(
          occurrence.field.rawValue | UInt8(occurrence.frequency - 1) << 4 | (isLast ? 0x80 : 0))
        bytes.append(UInt8(occurrence.length))
      }
    }
    return bytes
  }

  /// Throws where the bytes are not what ``encode(_:number:)`` writes.
  package static func decode(_ bytes: [UInt8], number: UInt64) throws(TextIndexError) -> [Posting] {
    let count = try PostingReader.count(bytes)
    let postings = try bytes.withUnsafeBufferPointer {
      bytes throws(TextIndexError) -> [Posting] in
      try Self.postings(of: bytes, number: number)
    }
    guard postings.count == count else {
      throw TextIndexError("\(postings.count) postings where \(count) belong")
    }
    return postings
  }

  private static func postings(
    of bytes: UnsafeBufferPointer<UInt8>, number: UInt64
  ) throws(TextIndexError) -> [Posting] {
    var reader = PostingReader(bytes)
    var postings: [Posting] = []
    while let slot = try reader.nextDocument() {
      var occurrences: [FieldOccurrence] = []
      var isLast = false
      while !isLast {
        let entry = try reader.nextOccurrence()
        isLast = entry.isLast
        guard let field = TextField(rawValue: UInt8(entry.field)),
          occurrences.last.map({ $0.field.rawValue < field.rawValue }) ?? true
        else { throw TextIndexError("fields that do not ascend") }
        occurrences.append(
          FieldOccurrence(field: field, frequency: entry.frequency, length: entry.length))
      }
      postings.append(Posting(id: number * idsPerBlock + UInt64(slot), occurrences: occurrences))
    }
    return postings
  }

  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// Reads a block from its beginning to its end; every byte is checked.
struct PostingReader: ~Copyable {
  struct Occurrence {
    /// The raw value of a field.
    let field: Int
    let frequency: Int
    let length: Int
    let isLast: Bool
  }

  private static let fieldCount = UInt8(TextField.allCases.count)
  private let bytes: UnsafeBufferPointer<UInt8>
  private var offset = 2
  private var slot = -1

  /// - Precondition: the bytes live as long as the reader.
  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// How many documents a block says that it has.
  static func count(_ block: [UInt8]) throws(TextIndexError) -> Int {
    guard block.count > 2 else { throw TextIndexError("a block of \(block.count) bytes") }
    return Int(block[0]) | Int(block[1]) << 8
  }

  /// The place of the next document in the range of the block; nil at the end.
  @inline(__always)
  mutating func nextDocument() throws(TextIndexError) -> Int? {
    guard offset < bytes.count else { return nil }
    var difference = Int(bytes[offset])
    offset += 1
    if difference >= 0x80 {
      guard offset < bytes.count, bytes[offset] < 0x80 else {
        throw TextIndexError("a difference of ids that is too large")
      }
      difference = difference & 0x7F | Int(bytes[offset]) << 7
      offset += 1
    }
    guard slot < 0 || difference > 0 else { throw TextIndexError("an id that is there twice") }
    slot = max(slot, 0) + difference
    guard slot < Int(PostingBlock.idsPerBlock) else {
      throw TextIndexError("an id that belongs to another block")
    }
    return slot
  }

  @inline(__always)
  mutating func nextOccurrence() throws(TextIndexError) -> Occurrence {
    guard offset + 2 <= bytes.count else { throw TextIndexError("postings that end early") }
    let (first, length) = (bytes[offset], bytes[offset + 1])
    offset += 2
    let field = first & 0x0F
    guard field < Self.fieldCount else { throw TextIndexError("the field \(field)") }
    return Occurrence(
      field: Int(field), frequency: Int(first >> 4 & 7) + 1, length: Int(length),
      isLast: first & 0x80 != 0)
  }
}
