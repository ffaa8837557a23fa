import TestSupport
import Testing

@testable import Checkpoints

@Suite struct FingerprintTests {
  private let large = [Float](repeating: 0.5, count: 200_000)

  private func fingerprint(
    config: String = "{}", vocabulary: String = "[PAD]\n", large: [Float]? = nil, small: Float = 1,
    name: String = "small", reversed: Bool = false
  ) throws -> String {
    let folder = TemporaryFolder()
    folder.write("config.json", config.utf8)
    folder.write("preprocessor_config.json", "{}".utf8)
    folder.write("vocab.txt", vocabulary.utf8)
    let tensors = [
      ("large", "F32", [200, 1000], bytes(large ?? self.large)), (name, "F32", [1], bytes([small])),
    ]
    folder.write("model.safetensors", safetensors(reversed ? tensors.reversed() : tensors))
    return try ModelFolder(path: folder.path).fingerprint
  }

  @Test func theSameModelElsewhereHasTheSameFingerprint() throws {
    let one = try fingerprint()
    #expect(one.count == 64)
    #expect(try fingerprint() == one)
    #expect(try fingerprint(reversed: true) == one)
  }

  @Test func anyChangeOfTheModelChangesTheFingerprint() throws {
    var first = large
    var last = large
    first[0] = 0.25
    last[last.count - 1] = 0.25
    let all = try Set([
      fingerprint(), fingerprint(config: "{ }"), fingerprint(vocabulary: "[CLS]\n"),
      fingerprint(small: 2), fingerprint(name: "other"), fingerprint(large: first),
      fingerprint(large: last), fingerprint(large: large.map { $0 * 1.0001 }),
    ])
    #expect(all.count == 8)
  }

  /// Settings of this engine change no embedding: an index stays valid when they are edited.
  @Test(arguments: [
    (#"{"a": 1}"#, #"{"a": 1, "blip": {"rerank_depth": 8}}"#),
    (#"{"a": 1}"#, #"{"blip": {"x": ["}", {"y": "\"}"}]}, "a": 1}"#),
    (#"{"a": 1, "b": 2}"#, #"{"a": 1, "blip" : {}, "b": 2}"#),
    ("{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"blip\": {}\n}\n"),
  ]) func settingsOfThisEngineAreNoPartOfIt(plain: String, configured: String) throws {
    #expect(try fingerprint(config: configured) == fingerprint(config: plain))
  }

  /// A model that is calibrated keeps its fingerprint, and one whose configuration has no settings of this
  /// engine has that of earlier versions.
  @Test func calibratingAModelKeepsIt() throws {
    let folder = TemporaryFolder()
    let config = "{\n  \"model_type\": \"blip\",\n  \"vision_config\": {}\n}\n"
    folder.write("config.json", config.utf8)
    folder.write("preprocessor_config.json", "{}".utf8)
    folder.write("vocab.txt", "[PAD]\n".utf8)
    folder.write("model.safetensors", safetensors([("small", "F32", [1], bytes([1]))]))
    let before = try ModelFolder(path: folder.path)
    #expect(
      before.fingerprint
        == fingerprintOf(
          files: [Array(config.utf8), Array("{}".utf8), Array("[PAD]\n".utf8)], before.weights))
    let logistic = try #require(HitCalibration.Logistic(match: 0.25, cosine: 20, bias: -8))
    for floor: Float in [0.125, 0.5] {
      let weights = try #require(
        WordCalibration.Weights(
          scale: 0.5, score: 0.1, coverage: 2, rarest: 1, caption: 8, complete: floor, bias: -6))
      let kind = HitCalibration.Kind(
        reranked: logistic, unreranked: logistic, floor: floor,
        words: WordCalibration(reranked: weights, unreranked: weights))
      let calibration = HitCalibration(
        sentences: kind, phrases: kind, texts: kind, isHubCorrected: true)
      try ModelFolder.setCalibration(calibration, of: folder.path)
      let after = try ModelFolder(path: folder.path)
      #expect(after.fingerprint == before.fingerprint)
      #expect(after.configuration.calibration == calibration)
    }
  }

  @Test(arguments: [0, 1, 65_536, 65_537, 262_144, 262_145, 300_000_000])
  func samplesAreInOrderAndReachTheEnd(count: Int) {
    let ranges = sampledRanges(of: count)
    #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == count)
    #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.lowerBound < $1.lowerBound })
    if count > 10_000_000 {
      #expect(ranges.map(\.count).reduce(0, +) < count / 60)
    }
  }
}
