internal import Glibc
internal import Tensors

/// Beam search as in Hugging Face's `generate`: of the 2·n best continuations of n running sequences,
/// those among the first n that end are finished, and the n best that do not end continue.
struct BeamSearch: TokenSearch {
  private let settings: BeamSettings
  private let rules: TokenRules
  private let promptLength: Int
  private var running: [Hypothesis]
  private(set) var found: [Hypothesis] = []
  var width: Int { settings.count }

  init(_ settings: BeamSettings, _ rules: TokenRules, prompt: [Int32]) {
    self.settings = settings
    self.rules = rules
    promptLength = prompt.count
    running = [Hypothesis(tokens: prompt)]
  }

  mutating func advance(_ logits: Matrix) throws(BLIPError) -> [Continuation] {
    precondition(logits.rows == running.count)
    var scores = logits
    logSoftmax(&scores)
    for (row, sequence) in running.enumerated() {
      rules.apply(to: &scores, row: row, after: sequence.tokens)
    }
    let best = best(of: scores)
    guard let first = best.first, first.score.isFinite else { throw .notNumbers }

    let length = running[0].tokens.count + 1
    var next: [(continuation: Continuation, score: Float)] = []
    for (rank, candidate) in best.enumerated() {
      if !rules.ends(candidate.continuation.token, length: length) {
        if next.count < settings.count { next.append(candidate) }
      } else if rank < settings.count {
        finish(candidate.continuation, score: candidate.score / divisor(length))
      }
    }
    running = next.map {
      Hypothesis(
        tokens: running[$0.continuation.parent].tokens + [$0.continuation.token], score: $0.score)
    }
    return isOver(length) ? [] : next.map(\.continuation)
  }

  private mutating func finish(_ continuation: Continuation, score: Float) {
    let sequence = Hypothesis(
      tokens: running[continuation.parent].tokens + [continuation.token], score: score)
    found.insert(sequence, at: found.firstIndex { $0.score < score } ?? found.count)
    if found.count > settings.count { found.removeLast() }
  }

  /// (tokens after the prompt)ᵖᵉⁿᵃˡᵗʸ
  private func divisor(_ length: Int) -> Float {
    pow(Float(length - promptLength), settings.lengthPenalty)
  }

  private func isOver(_ length: Int) -> Bool {
    guard let leader = running.first else { return true }
    guard found.count == settings.count, let worst = found.last else { return false }
    var hypothetical = length
    switch settings.earlyStopping {
    case .always: return true
    case .likely: break
    case .never: if settings.lengthPenalty > 0 { hypothetical = rules.maximumLength }
    }
    return leader.score / divisor(hypothetical) <= worst.score
  }

  /// The 2·n best continuations of all sequences, best first.
  private func best(of scores: Matrix) -> [(continuation: Continuation, score: Float)] {
    let most = 2 * settings.count
    var best: [(continuation: Continuation, score: Float)] = []
    for row in 0..<scores.rows {
      let before = running[row].score
      var bound = best.count < most ? -Float.infinity : best[most - 1].score
      for (token, logProbability) in scores[row: row].enumerated() {
        let score = before + logProbability
        guard score > bound else { continue }
        let place = best.firstIndex { $0.score < score } ?? best.count
        best.insert((Continuation(parent: row, token: Int32(token)), score), at: place)
        if best.count > most { best.removeLast() }
        if best.count == most { bound = best[most - 1].score }
      }
    }
    return best
  }
}

extension BLIPError {
  /// A model whose weights are damaged.
  static var notNumbers: BLIPError {
    BLIPError("the decoder's logits are not finite: the model's weights are damaged")
  }
}
