/// How the words that an index knows of a picture (captions, names, keywords) change the log-odds that a hit
/// is right: `words` of `blip.calibration.sentences` and `.phrases` in `config.json`, fitted on the hits of queries whose answers are
/// known.
///
/// Of a picture with captions that people wrote, or with words of the query, they become scale · (log-odds by
/// match logit and cosine) + score · BM25F + coverage · (the share of the query's words that are there, by
/// rarity) + rarest · (the rarity of the rarest of them) + caption · (the greatest cosine of the query and a
/// caption) + complete, if all of the query's words are there, + bias. Without captions, names and keywords
/// are judged as one that is as near as its share of the query's words, and the log-odds become no less.
public struct WordCalibration: Sendable, Equatable, Decodable {
  /// What a text index says of a picture.
  public struct Scores: Sendable, Equatable {
    /// BM25F; 0 if no word is there.
    public let score: Float
    /// 0 to 1.
    public let coverage: Float
    /// 0 to 1.
    public let rarest: Float
    /// Nil for a picture without captions that people wrote.
    public let caption: Float?

    /// Whether all words of the query are there.
    public var isComplete: Bool { coverage > 0.999 }

    /// Whether all words of the query are there, and a rare one among them.
    public var namesRareThing: Bool { isComplete && rarest > 0.7 }

    /// The scores of a picture.
    public init(score: Float, coverage: Float, rarest: Float, caption: Float?) {
      (self.score, self.coverage, self.rarest, self.caption) = (score, coverage, rarest, caption)
    }
  }

  /// Weights for hits of one kind; all but the bias are 0 or more.
  public struct Weights: Sendable, Equatable, Decodable {
    /// Of the log-odds by match logit and cosine.
    public let scale: Float
    /// Of the scores of the same names.
    public let score, coverage, rarest, caption: Float
    /// What is added where all words of the query are there.
    public let complete: Float
    /// What is added.
    public let bias: Float

    private enum CodingKeys: String, CodingKey {
      case scale, score, coverage, rarest, caption, complete, bias
    }

    /// Nil if a weight is negative or a number is not finite.
    public init?(
      scale: Float, score: Float, coverage: Float, rarest: Float, caption: Float,
      complete: Float = 0, bias: Float
    ) {
      let weights = [scale, score, coverage, rarest, caption, complete]
      guard weights.allSatisfy({ $0 >= 0 && $0.isFinite }), bias.isFinite else { return nil }
      (self.scale, self.score, self.coverage) = (scale, score, coverage)
      (self.rarest, self.caption, self.complete, self.bias) = (rarest, caption, complete, bias)
    }

    /// Reads and checks them.
    public init(from decoder: any Decoder) throws {
      let file = try decoder.container(keyedBy: CodingKeys.self)
      let range: ClosedRange<Float> = 0...1_000_000
      scale = try file.float(.scale, default: 1, in: range)
      score = try file.float(.score, default: 0, in: range)
      coverage = try file.float(.coverage, default: 0, in: range)
      rarest = try file.float(.rarest, default: 0, in: range)
      caption = try file.float(.caption, default: 0, in: range)
      complete = try file.float(.complete, default: 0, in: range)
      bias = try file.float(.bias, default: 0, in: -1_000_000...1_000_000)
    }

    /// The log-odds of a hit from those by match logit and cosine.
    public func logOdds(_ logOdds: Double, _ scores: Scores) -> Double {
      guard scores.caption != nil || scores.coverage > 0 else { return logOdds }
      var result = Double(scale) * logOdds + Double(bias)
      result += Double(caption) * Double(scores.caption ?? scores.coverage)
      result += Double(score) * Double(scores.score)
      result += Double(coverage) * Double(scores.coverage)
      result += Double(rarest) * Double(scores.rarest)
      if scores.isComplete { result += Double(complete) }
      // Without captions, words that are not there say nothing.
      return scores.caption == nil ? max(logOdds, result) : result
    }

    /// As JSON, on one line.
    var text: String {
      #"{"scale": \#(scale), "score": \#(score), "coverage": \#(coverage), "rarest": \#(rarest), "#
        + #""caption": \#(caption), "complete": \#(complete), "bias": \#(bias)}"#
    }
  }

  /// Of a hit that was reranked.
  public let reranked: Weights
  /// Of a hit of which only the cosine is known.
  public let unreranked: Weights

  private enum CodingKeys: String, CodingKey {
    case reranked
    case unreranked = "by_cosine"
  }

  /// Both of them.
  public init(reranked: Weights, unreranked: Weights) {
    (self.reranked, self.unreranked) = (reranked, unreranked)
  }

  /// For sentences and a model of which they were not measured: those of blip-mini (Benchmarks/WORDS.md).
  /// What they weigh are log-odds, whatever the model.
  package static let sentences = WordCalibration(
    reranked: Weights(
      scale: 0.481, score: 0.304, coverage: 0.226, rarest: 0.504, caption: 7.738, complete: 0.19,
      bias: -7.606)!,
    unreranked: Weights(
      scale: 0.56, score: 0.284, coverage: 0.448, rarest: 0.622, caption: 8.899, complete: 0.115,
      bias: -8.373)!)

  /// The same for phrases.
  package static let phrases = WordCalibration(
    reranked: Weights(
      scale: 0.451, score: 0, coverage: 0.81, rarest: 0, caption: 2.286, complete: 2.544,
      bias: -2.852)!,
    unreranked: Weights(
      scale: 0.41, score: 0, coverage: 0.092, rarest: 0, caption: 4.14, complete: 3.198,
      bias: -3.187)!)

  /// As JSON, on one line.
  package var text: String {
    #"{"reranked": \#(reranked.text), "by_cosine": \#(unreranked.text)}"#
  }
}
