/// A text index in memory.
package final class InMemoryTextIndex: WritableTextStorage {
  /// Blocks by term and number.
  package private(set) var blocks: [String: [UInt64: [UInt8]]] = [:]
  private var current = TextStatistics()

  /// An empty index.
  package init() {}

  package func statistics() -> TextStatistics { current }

  package func blocks(of term: String) -> [(number: UInt64, bytes: [UInt8])] {
    (blocks[term] ?? [:]).sorted { $0.key < $1.key }.map { (number: $0.key, bytes: $0.value) }
  }

  package func block(_ number: UInt64, of term: String) -> [UInt8]? { blocks[term]?[number] }

  package func put(_ block: [UInt8]?, number: UInt64, of term: String) {
    blocks[term, default: [:]][number] = block
    if blocks[term]?.isEmpty == true { blocks[term] = nil }
  }

  package func put(_ statistics: TextStatistics) { current = statistics }
}
