/// A document before and after a change; nil where it is not there.
package struct TextChange: Sendable {
  /// What the index holds of it.
  package let old: TextDocument?
  /// What the index is to hold.
  package let new: TextDocument?

  /// A change.
  package init(old: TextDocument?, new: TextDocument?) {
    (self.old, self.new) = (old, new)
  }
}

extension WritableTextStorage {
  /// Brings the index from the old to the new documents. Each block of postings is read and written once
  /// for all documents that change it.
  package func apply(_ changes: [UInt64: TextChange]) throws {
    var edits: [String: [UInt64: [UInt64: [FieldOccurrence]?]]] = [:]
    var statistics = try statistics()
    var isChanged = false
    for (id, change) in changes where change.old != change.new {
      isChanged = true
      statistics.count(change.old, sign: -1)
      statistics.count(change.new, sign: 1)
      let number = PostingBlock.number(of: id)
      let old = change.old?.occurrences ?? [:]
      let new = change.new?.occurrences ?? [:]
      for (term, occurrences) in new where old[term] != occurrences {
        edits[term, default: [:]][number, default: [:]].updateValue(occurrences, forKey: id)
      }
      for term in old.keys where new[term] == nil {
        edits[term, default: [:]][number, default: [:]].updateValue(nil, forKey: id)
      }
    }
    guard isChanged else { return }
    for (term, blocks) in edits.sorted(by: { $0.key < $1.key }) {
      for (number, postings) in blocks.sorted(by: { $0.key < $1.key }) {
        let before = try block(number, of: term).map { block in
          try PostingBlock.decode(block, number: number)
        }
        let after = merged(before ?? [], postings)
        try put(
          after.isEmpty ? nil : PostingBlock.encode(after, number: number), number: number, of: term
        )
      }
    }
    try put(statistics)
  }

  /// The postings with those of the given documents replaced, or removed (nil).
  private func merged(
    _ postings: [PostingBlock.Posting], _ edits: [UInt64: [FieldOccurrence]?]
  ) -> [PostingBlock.Posting] {
    let kept = postings.filter { edits[$0.id] == nil }
    let added = edits.compactMap { id, occurrences in
      occurrences.map { PostingBlock.Posting(id: id, occurrences: $0) }
    }
    return (kept + added).sorted { $0.id < $1.id }
  }
}
