/// How often a term is in a field of a document, and how long that field is, in terms.
package struct FieldOccurrence: Sendable, Equatable {
  /// The field.
  package let field: TextField
  /// 1 to 8: more does not change a score.
  package let frequency: Int
  /// Up to 255.
  package let length: Int

  static let mostFrequent = 8
  static let longest = 255

  init(field: TextField, frequency: Int, length: Int) {
    self.field = field
    self.frequency = min(frequency, Self.mostFrequent)
    self.length = min(length, Self.longest)
  }
}

/// The terms of all that is known in words about a picture.
package struct TextDocument: Sendable, Equatable {
  /// Where each term occurs, by ascending field.
  package private(set) var occurrences: [String: [FieldOccurrence]] = [:]
  /// The number of terms of each field that has any.
  package private(set) var lengths: [TextField: Int] = [:]

  /// A document from the terms of its fields, each field once.
  package init(_ fields: [TextField: [String]]) {
    for (field, terms) in fields.sorted(by: { $0.key.rawValue < $1.key.rawValue })
    where !terms.isEmpty {
      lengths[field] = terms.count
      var counts: [String: Int] = [:]
      for term in terms { counts[term, default: 0] += 1 }
      for (term, count) in counts {
        occurrences[term, default: []].append(
          FieldOccurrence(field: field, frequency: count, length: terms.count))
      }
    }
  }

  /// Whether it has no term.
  package var isEmpty: Bool { occurrences.isEmpty }
}
