internal import Tensors

/// A sequence of tokens, from [DEC] on.
struct Hypothesis: Sendable, Equatable {
  var tokens: [Int32]
  /// The sum of its log probabilities while it grows; once finished, divided by a power of its length.
  /// Of a beam search only.
  var score: Float = 0
}

/// A continued sequence: the index, among those of the previous step, of the one it continues, and its
/// next token.
struct Continuation: Sendable, Equatable {
  var parent: Int
  var token: Int32
}

/// Decides how the sequences of one picture continue.
protocol TokenSearch: Sendable {
  /// - Parameter logits: Of the next token of every running sequence, `[sequences, vocabulary]`; at
  ///   first of the prompt alone.
  /// - Returns: The sequences that continue; none at the end.
  mutating func advance(_ logits: Matrix) throws(BLIPError) -> [Continuation]

  /// The most sequences that run at once.
  var width: Int { get }

  /// The sequences found, best first.
  var found: [Hypothesis] { get }
}

/// The rules for the next token of a caption.
struct TokenRules: Sendable {
  let repetitionPenalty: Float
  let minimumLength, maximumLength: Int
  /// [SEP], which ends a caption.
  let end: Int32

  init(_ settings: GenerationSettings, end: Int32) {
    repetitionPenalty = settings.repetitionPenalty
    minimumLength = settings.minimumLength
    maximumLength = settings.maximumLength
    self.end = end
  }

  /// Changes the scores of the token after a sequence, in the order of `generate`.
  func apply(to scores: inout Matrix, row: Int, after sequence: [Int32]) {
    let first = row * scores.columns
    if repetitionPenalty != 1 {
      for token in Set(sequence) {
        let score = scores.values[first + Int(token)]
        scores.values[first + Int(token)] =
          score < 0 ? score * repetitionPenalty : score / repetitionPenalty
      }
    }
    if sequence.count < minimumLength { scores.values[first + Int(end)] = -.infinity }
  }

  /// Whether a sequence is over, given its last token and its length with it.
  func ends(_ token: Int32, length: Int) -> Bool { token == end || length >= maximumLength }
}

extension TextDecoder {
  /// Continues a prompt for every picture, each with its own search, until all have ended. A step is
  /// one pass of all sequences of all pictures.
  /// - Returns: The sequences found for each picture.
  func generate(
    _ prompt: [Int32], pictures: [Matrix], maximumLength: Int,
    searches: [any TokenSearch]
  ) throws -> [[Hypothesis]] {
    precondition(searches.count == pictures.count)
    var searches = searches
    // The last token is never attended to.
    var state = begin(
      pictures, capacity: maximumLength - 1,
      sequences: searches.map(\.width).max() ?? 1)
    let rows = try self(pictures.map { _ in prompt }, &state)
    var scores = logits(of: rows.rows(pictures.indices.map { ($0 + 1) * prompt.count - 1 }))
    var live = pictures.indices.map { (search: $0, rows: $0..<$0 + 1) }
    while !live.isEmpty {
      var parents: [Int] = []
      var tokens: [[Int32]] = []
      var next: [(search: Int, rows: Range<Int>)] = []
      for (search, rows) in live {
        let continuations = try searches[search].advance(scores.rows(rows))
        guard !continuations.isEmpty else { continue }
        next.append((search, parents.count..<parents.count + continuations.count))
        parents += continuations.map { rows.lowerBound + $0.parent }
        tokens += continuations.map { [$0.token] }
      }
      live = next
      guard !live.isEmpty else { break }
      state.follow(parents)
      scores = logits(of: try self(tokens, &state))
    }
    return searches.map(\.found)
  }
}
