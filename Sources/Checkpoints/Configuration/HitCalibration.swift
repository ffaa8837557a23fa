internal import Glibc

/// How likely a hit is right, given what its two scores say: logistic regressions that were fitted on the
/// first hits of queries whose answer is known (`blip.calibration` in `config.json`, a key specific to this
/// engine). They order hits, and are the probability that is shown of them.
public struct HitCalibration: Sendable, Equatable, Decodable {
  /// Log-odds that grow with each score.
  public struct Logistic: Sendable, Equatable, Decodable {
    /// The weight of the match logit, 0 or more.
    public let match: Float
    /// The weight of the cosine, 0 or more.
    public let cosine: Float
    /// The log-odds where both are 0.
    public let bias: Float

    private enum CodingKeys: String, CodingKey { case match, cosine, bias }

    /// Nil if a weight is negative, both are 0, or a number is not finite.
    public init?(match: Float, cosine: Float, bias: Float) {
      guard match >= 0, cosine >= 0, match + cosine > 0, (match + cosine + bias).isFinite
      else { return nil }
      (self.match, self.cosine, self.bias) = (match, cosine, bias)
    }

    /// Reads and checks it.
    public init(from decoder: any Decoder) throws {
      let file = try decoder.container(keyedBy: CodingKeys.self)
      match = try file.float(.match, default: 0, in: 0...1_000_000)
      cosine = try file.float(.cosine, default: 0, in: 0...1_000_000)
      bias = try file.float(.bias, default: 0, in: -1_000_000...1_000_000)
      guard match + cosine > 0 else {
        throw InvalidValue(file.codingPath, "has no weight above 0")
      }
    }

    /// The log-odds of a hit.
    public func logOdds(match matchLogit: Float, cosine similarity: Float) -> Double {
      Double(match) * Double(matchLogit) + Double(cosine) * Double(similarity) + Double(bias)
    }

    /// As JSON, on one line.
    fileprivate var text: String {
      #"{"match": \#(match), "cosine": \#(cosine), "bias": \#(bias)}"#
    }
  }

  /// Of hits of queries of one kind.
  public struct Kind: Sendable, Equatable, Decodable {
    /// Of a hit that was reranked.
    public let reranked: Logistic
    /// Of a hit of which only the cosine is known.
    public let unreranked: Logistic
    /// The probability of the first hit below which the answer is probably not there.
    public let floor: Float
    /// What words that the index knows of a picture add; nil if that was not measured.
    public let words: WordCalibration?

    private enum CodingKeys: String, CodingKey {
      case reranked, floor, words
      case unreranked = "by_cosine"
    }

    /// All of it; the floor is from 0 to 1.
    public init(
      reranked: Logistic, unreranked: Logistic, floor: Float = 0, words: WordCalibration? = nil
    ) {
      precondition((0...1).contains(floor), "a floor of \(floor)")
      self.words = words
      (self.reranked, self.unreranked, self.floor) = (reranked, unreranked, floor)
    }

    /// Of fitted weights; nil if they make no calibration.
    package init?(
      reranked: (match: Double, cosine: Double, bias: Double),
      unreranked: (cosine: Double, bias: Double)
    ) {
      guard
        let both = Logistic(
          match: Float(reranked.match), cosine: Float(reranked.cosine), bias: Float(reranked.bias)),
        let cosine = Logistic(
          match: 0, cosine: Float(unreranked.cosine), bias: Float(unreranked.bias))
      else { return nil }
      self.init(reranked: both, unreranked: cosine)
    }

    /// Reads and checks it.
    public init(from decoder: any Decoder) throws {
      let file = try decoder.container(keyedBy: CodingKeys.self)
      reranked = try file.required(Logistic.self, .reranked)
      unreranked = try file.required(Logistic.self, .unreranked)
      floor = try file.float(.floor, default: 0, in: 0...1)
      words = try file.decodeIfPresent(WordCalibration.self, forKey: .words)
    }

    /// The log-odds of a hit; without a match logit, by its cosine.
    public func logOdds(match: Float?, cosine: Float) -> Double {
      match.map { reranked.logOdds(match: $0, cosine: cosine) }
        ?? unreranked.logOdds(match: 0, cosine: cosine)
    }

    fileprivate var text: String {
      let words = words.map { #", "words": \#($0.text)"# } ?? ""
      return
        #"{"reranked": \#(reranked.text), "by_cosine": \#(unreranked.text), "floor": \#(floor)"#
        + words + "}"
    }

    /// The same with other weights of words.
    package func with(words: WordCalibration?) -> Kind {
      Kind(reranked: reranked, unreranked: unreranked, floor: floor, words: words)
    }
  }

  /// A text of more words is a sentence; the picture that it describes is one of few. Many pictures may show
  /// what a phrase names.
  public static let longestPhrase = 6

  /// Of the pictures that a sentence finds, and of those that a phrase finds.
  public let sentences, phrases: Kind
  /// Of the texts that a picture finds; nil if that was not measured.
  public let texts: Kind?
  /// Whether `sentences` and `phrases` are of cosines less the pictures' hubness.
  public let isHubCorrected: Bool

  private enum CodingKeys: String, CodingKey {
    case sentences, phrases, texts
    case isHubCorrected = "hub_corrected"
  }

  /// The same with what words count for a model folder's hits, where that was measured.
  package func with(wordsOf path: String) throws(CheckpointError) -> HitCalibration {
    let other = try ModelFolder(path: path).configuration.calibration
    return HitCalibration(
      sentences: sentences.with(words: other?.sentences.words),
      phrases: phrases.with(words: other?.phrases.words), texts: texts,
      isHubCorrected: isHubCorrected)
  }

  /// A calibration.
  public init(sentences: Kind, phrases: Kind, texts: Kind?, isHubCorrected: Bool) {
    (self.sentences, self.phrases, self.texts) = (sentences, phrases, texts)
    self.isHubCorrected = isHubCorrected
  }

  /// Reads and checks it. Without a kind of its own, phrases are as sentences.
  public init(from decoder: any Decoder) throws {
    let file = try decoder.container(keyedBy: CodingKeys.self)
    sentences = try file.required(Kind.self, .sentences)
    phrases = try file.decodeIfPresent(Kind.self, forKey: .phrases) ?? sentences
    texts = try file.decodeIfPresent(Kind.self, forKey: .texts)
    isHubCorrected = try file.bool(.isHubCorrected, default: false)
  }

  /// As JSON, on one line.
  var text: String {
    let texts = texts.map { #", "texts": \#($0.text)"# } ?? ""
    return #"{"sentences": \#(sentences.text), "phrases": \#(phrases.text)\#(texts), "#
      + #""hub_corrected": \#(isHubCorrected)}"#
  }
}

extension KeyedDecodingContainer {
  fileprivate func required<Section: Decodable>(_ type: Section.Type, _ key: Key) throws -> Section
  {
    guard let section = try decodeIfPresent(type, forKey: key) else {
      throw invalid(key, "is missing")
    }
    return section
  }
}

/// The probability of log-odds.
public func probability(ofLogOdds logOdds: Double) -> Float { Float(1 / (1 + exp(-logOdds))) }
