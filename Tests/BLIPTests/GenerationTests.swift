import Checkpoints
import FoundationEssentials
import Tensors
import TestSupport
import Testing

@testable import BLIP

/// Captions against Hugging Face's `generate`, and what holds of any decoder.
@Suite struct GenerationTests {
  private static let prompt: [Int32] = [30522, 1037, 3861, 1997]

  private static func settings(
    _ method: GenerationSettings.Method, length: ClosedRange<Int> = 5...20, penalty: Float = 1
  ) -> GenerationSettings {
    var settings = GenerationSettings()
    settings.method = method
    settings.minimumLength = length.lowerBound
    settings.maximumLength = length.upperBound
    settings.repetitionPenalty = penalty
    return settings
  }

  private static func beams(
    _ count: Int, lengthPenalty: Float = 1,
    earlyStopping: BeamSettings.EarlyStopping = .likely
  ) -> GenerationSettings.Method {
    var beams = BeamSettings(count: count)
    beams.lengthPenalty = lengthPenalty
    beams.earlyStopping = earlyStopping
    return .beams(beams)
  }

  /// Those of Benchmarks/fixtures/make_caption_fixtures.py.
  private static let cases: [(name: String, settings: GenerationSettings)] = [
    ("greedy", settings(.greedy)),
    ("greedy-penalty", settings(.greedy, length: 12...20, penalty: 1.3)),
    ("beams", settings(beams(3))),
    ("beams-penalty", settings(beams(3), length: 12...20, penalty: 1.3)),
    ("beams-short", settings(beams(3, lengthPenalty: -1))),
    ("beams-long", settings(beams(4, lengthPenalty: 2, earlyStopping: .never), length: 5...16)),
    ("beams-eager", settings(beams(5, earlyStopping: .always))),
  ]

  /// The same sequences in the same order, and their scores. Once the model hardly ever says [SEP],
  /// once often.
  @Test(
    .enabled(if: Models.hasReferenceCaptioner, Models.missingCaptioner),
    arguments: [("greedy", "open"), ("beams", "open")] + cases.map { ($0.name, "ending") })
  func sequencesAndScoresAsHuggingFace(_ name: String, _ kind: String) throws {
    let reference = try Activations("blip-tiny-generation.safetensors")
    let settings = try #require(Self.cases.first { $0.name == name }).settings
    let model = try Models.referenceCaptioner()
    var decoder = try model.textDecoder()
    if kind == "ending" { decoder.words.bias[102] += try reference.floats("ending")[0] }
    let rules = TokenRules(settings, end: 102)
    let features = try (0..<2).map { try reference.matrix("features", $0) }
    let searches = features.map { _ -> any TokenSearch in
      if case .beams(let beams) = settings.method {
        return BeamSearch(beams, rules, prompt: Self.prompt)
      }
      return TokenSampling(nil, rules, prompt: Self.prompt, draws: CounterRandom(key: 0))
    }
    let found = try decoder.generate(
      Self.prompt, pictures: features, maximumLength: settings.maximumLength, searches: searches)
    #expect(found.flatMap { $0.map(\.tokens) } == (try reference.texts("\(name).\(kind).ids")))
    guard case .beams = settings.method else { return }
    let scores = try reference.floats("\(name).\(kind).scores")
    for (ours, theirs) in zip(found.joined(), scores) {
      #expect(abs(ours.score - theirs) <= 1e-4 * abs(theirs), "\(ours.score), not \(theirs)")
    }
    #expect(found.joined().count == scores.count)
  }

  /// The tokens that a draw may be, and their probabilities.
  @Test(arguments: [("usual", 0.9, 1), ("hot", 0.5, 1.7), ("all", 1, 1), ("tiny", 0.01, 1)])
  func theNucleusAsHuggingFace(_ name: String, _ topP: Double, _ temperature: Float) throws {
    let reference = try Activations("blip-tiny-generation.safetensors")
    let logits = try reference.floats("nucleus.logits")
    let wanted = try reference.floats("nucleus.\(name)")
    let columns = logits.count / 2
    let rules = TokenRules(
      Self.settings(.nucleus(NucleusSettings(seed: 0)), penalty: 1.3), end: 102)
    for picture in 0..<2 {
      let range = picture * columns..<(picture + 1) * columns
      var scores = Matrix(rows: 1, columns: columns, values: Array(logits[range]))
      rules.apply(to: &scores, row: 0, after: [7, 37, 61, 99])
      let nucleus = try Nucleus(scores, topP: topP, temperature: temperature)
      let row = Array(wanted[range])
      #expect(Set(nucleus.tokens) == Set(row.indices.filter { row[$0] > 0 }.map { Int32($0) }))
      for (token, probability) in zip(nucleus.tokens, nucleus.probabilities) {
        #expect(abs(probability - Double(row[Int(token)])) <= 1e-5 * probability + 1e-9)
      }
    }
  }

  /// Many draws come as often as the distribution says: a χ² test whose bound is passed by chance
  /// once in a thousand seeds, and the seed is fixed.
  @Test func drawsComeAsOftenAsTheirProbability() throws {
    let scores = Matrix(rows: 1, columns: 6, values: [2, 1.5, 1, 0.5, 0, -3])
    let nucleus = try Nucleus(scores, topP: 0.95, temperature: 1)
    #expect(nucleus.tokens == [0, 1, 2, 3, 4])
    let random = CounterRandom(key: 7)
    let draws = 100_000
    var counts = [Double](repeating: 0, count: 6)
    for position in 0..<draws {
      counts[Int(nucleus.draw(random.uniform(at: UInt64(position))))] += 1
    }
    let square = zip(nucleus.tokens, nucleus.probabilities).reduce(0) { sum, entry in
      let expected = entry.1 * Double(draws)
      return sum + (counts[Int(entry.0)] - expected) * (counts[Int(entry.0)] - expected) / expected
    }
    #expect(counts[5] == 0)
    // χ² of 4 degrees of freedom.
    #expect(square < 18.5, "χ² = \(square)")
  }

  /// A picture's caption is its own, whichever pictures it is captioned with.
  @Test(arguments: [
    settings(.greedy), settings(beams(3)), settings(.nucleus(NucleusSettings(seed: 5))),
  ])
  func aCaptionDoesNotDependOnTheOthers(_ settings: GenerationSettings) throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let model = try Models.captioner.get()
    let pictures = try (0..<2).map { try reference.matrix("vision.last_hidden_state", $0) }
    let together = try model.captions(
      of: [pictures[0], pictures[1], pictures[0]], settings, keys: [11, 12, 11])
    #expect(together[0].tokens == together[2].tokens)
    for picture in 0..<2 {
      let alone = try model.captions(
        of: [pictures[picture]], settings, keys: [UInt64(11 + picture)])
      #expect(alone[0].tokens == together[picture].tokens)
      #expect(settings.maximumLength >= alone[0].tokens.count)
      #expect(!alone[0].text.isEmpty && !alone[0].text.contains("["))
    }
  }

  /// What a caption goes on from is no part of it.
  @Test(arguments: [
    settings(.greedy), settings(beams(3)), settings(.nucleus(NucleusSettings(seed: 5))),
  ])
  func aPromptIsCutOff(_ settings: GenerationSettings) throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let model = try Models.captioner.get()
    var settings = settings
    settings.prompt = "a picture of"
    for picture in 0..<2 {
      let features = try reference.matrix("vision.last_hidden_state", picture)
      let caption = try model.captions(of: [features], settings)[0]
      #expect(caption.tokens.starts(with: [30522, 1037, 3861, 1997]))
      #expect(!caption.text.isEmpty && !caption.text.hasPrefix("a picture of"))
    }
  }

  /// A captioner is trained to go on from "a picture of ", a pre-trained model from nothing.
  @Test func thePromptIsTheModels() throws {
    let pretrained = try Models.captioner.get()
    let captioner = try Models.tinyCaptioner.get()
    #expect(pretrained.completed(GenerationSettings()).prompt == "")
    #expect(captioner.completed(GenerationSettings()).prompt == "a picture of ")
    var settings = GenerationSettings()
    settings.prompt = "two"
    #expect(pretrained.completed(settings).prompt == "two")
    let reference = try Activations("blip-mini-activations.safetensors")
    let picture = try reference.matrix("vision.last_hidden_state", 0)
    let caption = try pretrained.captions(of: [picture], settings)[0]
    #expect(caption.tokens.starts(with: [30522, 2048]) && !caption.text.hasPrefix("two"))
  }

  /// The same seed says the same; another says something else sooner or later.
  @Test func seedsDecideWhatIsDrawn() throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let model = try Models.captioner.get()
    let picture = try reference.matrix("vision.last_hidden_state", 0)
    func captions(_ seed: UInt64) throws -> [String] {
      try model.captions(
        of: Array(repeating: picture, count: 4),
        Self.settings(.nucleus(NucleusSettings(seed: seed)))
      ).map(\.text)
    }
    #expect(try captions(1) == captions(1))
    #expect(try captions(1) != captions(2))
    #expect(Set(try captions(1)).count > 1)
  }

  @Test func settingsThatCannotBeAreRefused() throws {
    let reference = try Activations("blip-mini-activations.safetensors")
    let model = try Models.captioner.get()
    let picture = try reference.matrix("vision.last_hidden_state", 0)
    var nucleus = NucleusSettings(seed: 1)
    nucleus.topP = 0
    var longPrompt = GenerationSettings()
    longPrompt.prompt = String(repeating: "very ", count: 30)
    for settings in [
      Self.settings(Self.beams(0)), Self.settings(Self.beams(65)),
      Self.settings(.nucleus(nucleus)), Self.settings(.greedy, length: 5...100_000),
      Self.settings(.greedy, length: 1...1), Self.settings(.greedy, penalty: 0), longPrompt,
    ] {
      #expect(throws: BLIPError.self) { try model.captions(of: [picture], settings) }
    }
    #expect(throws: BLIPError.self) {
      try model.captions(of: [Matrix(rows: 3, columns: 5)], GenerationSettings())
    }
  }

  /// A model for retrieval has no decoder, a captioner no text encoder: each says so.
  @Test func whatAModelCannotDoIsSaid() throws {
    let folder = try Models.tinyFolder()
    #expect {
      try BLIPModel(folder: ModelFolder(path: folder.path), use: .captions)
    } throws: { "\($0)".contains("no text decoder") && "\($0)".contains(folder.path) }
  }

  @Test func aCaptionerCannotRetrieve() throws {
    let model = try Models.tinyCaptioner.get()
    #expect { try model.embed(texts: [[101, 102]]) } throws: {
      "\($0)".contains("no text encoder")
    }
    let side = model.folder.configuration.vision.imageSize
    let pixels = FeatureMap(
      height: side, width: side, pixels: Matrix(rows: side * side, columns: 3))
    #expect { try model.encode(pixels: pixels) } throws: { "\($0)".contains("no text encoder") }
    let features = try model.features(of: pixels)
    #expect(try model.captions(of: [features], GenerationSettings()).count == 1)
  }
}
