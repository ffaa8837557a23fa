internal import Files

/// A query of one or more terms: texts and pictures that hits should be like, or unlike.
///
/// The query's vector is the sum of the terms' embeddings, each of length 1 and multiplied by its weight;
/// candidates are the pictures nearest to it. Reranking judges candidates by every text with a weight
/// above 0; what hits should be unlike acts through the vector alone.
///
/// ```swift
/// let query = try QueryExpression([
///   .init(.text("a beach")), .init(.text("at night"), weight: 1.5), .init(.text("people"), weight: -1),
/// ])
/// let hits = try await index.search(query)
/// ```
public struct QueryExpression: Sendable, Hashable {
  /// A text or a picture, and how much it counts.
  public struct Term: Sendable, Hashable {
    /// What hits should be like, or unlike.
    public enum Content: Sendable, Hashable {
      /// A description of a picture.
      case text(String)
      /// A picture.
      case picture(PictureSource)
    }

    /// What hits should be like, or unlike.
    public var content: Content
    /// How much it counts beside the other terms; below 0, hits should be unlike it.
    public var weight: Float

    /// A term, by default of weight 1.
    public init(_ content: Content, weight: Float = 1) {
      self.content = content
      self.weight = weight
    }
  }

  /// The most terms of a query.
  public static let maximumTerms = 32
  /// The greatest magnitude of a weight.
  public static let maximumWeight: Float = 100

  /// The terms, in the order they were given.
  public let terms: [Term]

  /// A query of these terms.
  /// - Throws: `RetrievalError` with the code `invalidQuery` where no term has a weight above 0, a weight
  ///   is 0 or out of bounds, or there are too many terms.
  public init(_ terms: [Term]) throws(RetrievalError) {
    guard terms.count <= Self.maximumTerms else {
      throw RetrievalError(
        .invalidQuery, "a query of \(terms.count) terms; give at most \(Self.maximumTerms)")
    }
    for term in terms {
      guard term.weight != 0, term.weight.magnitude <= Self.maximumWeight else {
        throw RetrievalError(
          .invalidQuery,
          "the weight \(term.weight) of '\(term.shown)'; give a number other than 0 of at most"
            + " \(Int(Self.maximumWeight))")
      }
    }
    guard terms.contains(where: { $0.weight > 0 }) else {
      throw RetrievalError(
        .invalidQuery,
        terms.isEmpty
          ? "a query without terms; say what the picture shows"
          : "a query of nothing but what pictures should be unlike; add something that they should"
            + " be like")
    }
    self.terms = terms
  }

  /// A query of a single text or picture.
  public init(_ content: Term.Content) { terms = [Term(content)] }

  /// The pictures in the query.
  public var pictures: [PictureSource] {
    terms.compactMap { if case .picture(let picture) = $0.content { picture } else { nil } }
  }

  /// Whether any text says what hits should be like, so that they can be reranked.
  public var canBeReranked: Bool {
    terms.contains { if case .text = $0.content { $0.weight > 0 } else { false } }
  }
}

extension QueryExpression.Term {
  /// The text, or the name of the picture.
  var name: String {
    switch content {
    case .text(let text): text
    case .picture(let picture): picture.name
    }
  }

  /// The same for messages.
  var shown: String { printable(String(name.prefix(80))) }
}

extension QueryExpression: CustomStringConvertible {
  /// The query as it would be written: "a beach + 1.5*at night - people".
  public var description: String {
    var text = ""
    for (index, term) in terms.enumerated() {
      if term.weight < 0 {
        text += index == 0 ? "- " : " - "
      } else if index > 0 {
        text += " + "
      }
      if term.weight.magnitude != 1 { text += "\(term.weight.magnitude)*" }
      text += term.name
    }
    return text
  }
}
