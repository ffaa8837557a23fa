/// What BM25F needs to know of all documents: how many there are, and how long their fields are.
package struct TextStatistics: Sendable, Equatable {
  /// Of a field: the documents that have it, and the sum of its lengths in terms.
  package struct Field: Sendable, Equatable {
    /// Documents with a term in this field.
    package var documents = 0
    /// Terms in this field, of all documents.
    package var terms = 0

    /// A field with these numbers.
    package init(documents: Int = 0, terms: Int = 0) {
      (self.documents, self.terms) = (documents, terms)
    }
  }

  /// Documents with at least one term.
  package var documents = 0
  /// By raw value of the field; one for each.
  package var fields = Array(repeating: Field(), count: TextField.allCases.count)

  /// Of no documents.
  package init() {}

  /// The mean length of a field, of the documents that have it.
  func meanLength(of field: TextField) -> Float {
    let field = fields[Int(field.rawValue)]
    return field.documents > 0 ? Float(field.terms) / Float(field.documents) : 1
  }

  /// Whether any document has a term in a field.
  package func has(_ field: TextField) -> Bool { fields[Int(field.rawValue)].documents > 0 }

  /// Adds a document, or takes it away (`sign` -1).
  mutating func count(_ document: TextDocument?, sign: Int) {
    guard let document, !document.isEmpty else { return }
    documents = max(0, documents + sign)
    for (field, length) in document.lengths {
      let index = Int(field.rawValue)
      fields[index].documents = max(0, fields[index].documents + sign)
      fields[index].terms = max(0, fields[index].terms + sign * length)
    }
  }
}
