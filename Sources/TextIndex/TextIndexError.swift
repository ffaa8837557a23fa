/// Stored postings or statistics that cannot be read.
package struct TextIndexError: Error, Equatable, CustomStringConvertible {
  /// What is wrong with them.
  package let description: String

  init(_ description: String) { self.description = description }
}
