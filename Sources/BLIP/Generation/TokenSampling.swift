import Random
internal import Tensors

/// One sequence, continued by its likeliest token, or by one drawn from the nucleus.
struct TokenSampling: TokenSearch {
  private let nucleus: NucleusSettings?
  private let rules: TokenRules
  private let draws: CounterRandom
  private var sequence: Hypothesis

  /// - Parameters:
  ///   - nucleus: Nil for the likeliest token.
  ///   - draws: One draw for each position.
  init(_ nucleus: NucleusSettings?, _ rules: TokenRules, prompt: [Int32], draws: CounterRandom) {
    self.nucleus = nucleus
    self.rules = rules
    self.draws = draws
    sequence = Hypothesis(tokens: prompt)
  }

  var found: [Hypothesis] { [sequence] }
  var width: Int { 1 }

  mutating func advance(_ logits: Matrix) throws(BLIPError) -> [Continuation] {
    precondition(logits.rows == 1)
    var scores = logits
    rules.apply(to: &scores, row: 0, after: sequence.tokens)
    let token: Int32
    if let nucleus {
      let distribution = try Nucleus(scores, topP: nucleus.topP, temperature: nucleus.temperature)
      token = distribution.draw(draws.uniform(at: UInt64(sequence.tokens.count)))
    } else {
      token = try likeliest(scores.values)
    }
    sequence.tokens.append(token)
    let isOver = rules.ends(token, length: sequence.tokens.count)
    return isOver ? [] : [Continuation(parent: 0, token: token)]
  }

  private func likeliest(_ scores: [Float]) throws(BLIPError) -> Int32 {
    var best = 0
    for token in scores.indices where scores[token] > scores[best] { best = token }
    guard scores[best].isFinite else { throw .notNumbers }
    return Int32(best)
  }
}

/// The fewest likeliest tokens whose probabilities reach `topP`, as in `TopPLogitsWarper`: without the
/// least likely ones that together stay within 1 − `topP`.
struct Nucleus {
  /// Likeliest first.
  let tokens: [Int32]
  /// Renormalised.
  let probabilities: [Double]

  /// scores: `[1, vocabulary]`
  init(_ scores: Matrix, topP: Double, temperature: Float) throws(BLIPError) {
    precondition(scores.rows == 1)
    var distribution = scores
    softmax(&distribution, scale: 1 / temperature)
    let all = distribution.values
    // Tokens no likelier than this are within 1 − topP together, and need no sorting.
    let least = topP < 1 ? Float((1 - topP) / Double(all.count)) : 0
    // Forbidden tokens (−∞) may have kept a probability from rounding.
    var kept = all.indices.filter { all[$0] > least && scores.values[$0].isFinite }
    kept.sort { (all[$0], $1) > (all[$1], $0) }
    var (mass, count) = (0.0, 0)
    while count < kept.count, count == 0 || mass < topP {
      mass += Double(all[kept[count]])
      count += 1
    }
    guard mass.isFinite, mass > 0 else { throw .notNumbers }
    tokens = kept.prefix(count).map { Int32($0) }
    probabilities = kept.prefix(count).map { Double(all[$0]) / mass }
  }

  /// The token whose share of 0..<1 contains a number.
  func draw(_ number: Double) -> Int32 {
    var end = 0.0
    for (token, probability) in zip(tokens, probabilities) {
      end += probability
      if number < end { return token }
    }
    return tokens[tokens.count - 1]
  }
}
