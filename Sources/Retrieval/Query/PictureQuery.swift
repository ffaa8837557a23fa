package import BLIP
internal import Store
internal import Tensors

/// A query as a model reads it: its texts are tokenised, its pictures not yet read.
public struct PictureQuery: Sendable {
  /// The query as it was given.
  public let expression: QueryExpression
  /// The texts of the query, with what the user should know of how the model reads them.
  public let texts: [TextQuery]
  /// The weights of the texts.
  private let weights: [Float]

  /// Tokenises the texts of a query; one without words is an error.
  package init(_ expression: QueryExpression, model: BLIPModel) throws(RetrievalError) {
    self.expression = expression
    var texts: [TextQuery] = []
    var weights: [Float] = []
    for term in expression.terms {
      guard case .text(let text) = term.content else { continue }
      texts.append(try TextQuery(text, model: model))
      weights.append(term.weight)
    }
    (self.texts, self.weights) = (texts, weights)
  }

  /// A query of one text.
  package init(_ text: TextQuery) {
    expression = QueryExpression(.text(text.text))
    (texts, weights) = ([text], [1])
  }

  /// Whether hits are to be like its texts alone.
  var isTextual: Bool { expression.canBeReranked && expression.pictures.isEmpty }

  /// Whether the texts that hits should be like are phrases, no sentences.
  var isPhrase: Bool { judged.allSatisfy { $0.text.isPhrase } }

  /// The texts by which candidates are reranked, with their weights.
  var judged: [(text: TextQuery, weight: Float)] {
    zip(texts, weights).filter { $0.1 > 0 }.map { ($0.0, $0.1) }
  }

  /// The vector to which the nearest pictures are searched, of length 1.
  /// - Parameter picture: The embedding of a picture.
  func vector(
    _ model: BLIPModel, picture: (PictureSource) throws -> [Float]
  ) throws -> [Float] {
    let embedded = texts.isEmpty ? [] : try model.embed(texts: texts.map(\.tokens))
    var next = embedded.makeIterator()
    let terms = try expression.terms.map { term in
      switch term.content {
      case .text: (term.weight, next.next()!)
      case .picture(let source): (term.weight, try picture(source))
      }
    }
    // A single term keeps its embedding to the last bit.
    if terms.count == 1 { return terms[0].1 }
    var sum = [Float](repeating: 0, count: terms[0].1.count)
    for (weight, embedding) in terms {
      for index in sum.indices { sum[index] += weight * embedding[index] }
    }
    let length = dot(sum, sum).squareRoot()
    let total = terms.reduce(0) { $0 + $1.0.magnitude }
    guard length > 1e-3 * total else {
      throw RetrievalError(
        .invalidQuery, "the terms of the query '\(expression)' cancel each other out")
    }
    return sum.map { $0 / length }
  }

  /// How well each picture matches the texts by which candidates are reranked: the mean of their logits,
  /// weighted.
  /// - Parameter features: Patch features; at least one picture's.
  func match(_ features: [Matrix], _ model: BLIPModel) throws -> [MatchLogits] {
    let judged = judged
    var means = [MatchLogits](repeating: MatchLogits(noMatch: 0, match: 0), count: features.count)
    let total = judged.reduce(0) { $0 + $1.weight }
    for (text, weight) in judged {
      let logits = try model.match(text: text.tokens, features: features)
      if judged.count == 1 { return logits }
      for (index, logit) in logits.enumerated() {
        means[index] = MatchLogits(
          noMatch: means[index].noMatch + weight / total * logit.noMatch,
          match: means[index].match + weight / total * logit.match)
      }
    }
    return means
  }
}
