import TestSupport
import Testing

@testable import Checkpoints

@Suite struct WritingTests {
  private let floats: [Float] = (0..<24).map { Float($0) / 3 - 2 }

  @Test func writtenTensorsAreReadBack() throws {
    let path = TemporaryFolder().path + "/a.safetensors"
    try writeSafetensors(
      [
        TensorToWrite(name: "a \"quoted\"\\\n", shape: [4, 6], content: .floats(floats)),
        TensorToWrite(name: "number", shape: [], content: .floats([7])),
        TensorToWrite(name: "nothing", shape: [0, 3], content: .floats([])),
        TensorToWrite(name: "bytes", shape: [3], content: .bytes(.uint8, [1, 2, 3])),
      ], metadata: ["run": "{\"epoch\": 1}", "b": "ä\t"], to: path)
    let weights = try Weights(file: path)
    #expect(weights.names == ["a \"quoted\"\\\n", "bytes", "nothing", "number"])
    #expect(try weights.floats("a \"quoted\"\\\n", shape: [4, 6]) == floats)
    #expect(try weights.floats("number", shape: []) == [7])
    #expect(try safetensorsMetadata(path) == ["run": "{\"epoch\": 1}", "b": "ä\t"])
  }

  @Test func failedWritesLeaveTheOldFile() throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/a.safetensors"
    try writeSafetensors([TensorToWrite(name: "a", shape: [1], content: .floats([1]))], to: path)
    // The folder does not exist, so the temporary file cannot be created.
    let place = TemporaryFolder()
    #expect(throws: CheckpointError.self) {
      try writeSafetensors([], to: place.path + "/no such folder/a.safetensors")
    }
    #expect(throws: CheckpointError.self) {
      try writeSafetensors([], to: "/dev/full/a.safetensors")
    }
    #expect(try Weights(file: path).floats("a", shape: [1]) == [1])
  }

  /// A folder with tensors to be changed, kept and dropped.
  private func source() throws -> ModelFolder {
    let folder = TemporaryFolder()
    let kind = #"{"reranked": {"cosine": 1}, "by_cosine": {"cosine": 1}}"#
    folder.write(
      "config.json",
      #"{"blip": {"rerank_depth": 0, "calibration": {"sentences": \#(kind)}, "x": 1}}"#.utf8)
    folder.write("preprocessor_config.json", #"{"size": {"height": 384, "width": 384}}"#.utf8)
    folder.write("vocab.txt", "[PAD]\n".utf8)
    let quantized = (0..<8192).map { UInt8(truncatingIfNeeded: $0 % 255) }
    folder.write(
      "model.safetensors",
      safetensors([
        ("matrix", "F32", [2, 4096], bytes((0..<8192).map { Float($0 % 100) / 7 - 6 })),
        ("kept", "I8", [2, 4096], quantized), ("kept_scale", "F32", [2], bytes([0.5, 0.1])),
        ("vector", "F32", [3], bytes([1, 2, 3])), ("stem", "F16", [1], littleEndian(UInt16(1))),
        ("text_decoder.old", "F32", [1], bytes([1])), ("image_queue", "F32", [1], bytes([1])),
      ]))
    return try ModelFolder(path: folder.path)
  }

  @Test(arguments: WeightStorage.allCases)
  func unchangedTensorsKeepTheirBytes(_ storage: WeightStorage) throws {
    let source = try source()
    let path = TemporaryFolder().path + "/model"
    let writer = try ModelFolderWriter(path, like: source, storage: storage)
    let matrix = try source.weights.floats("matrix", shape: [2, 4096]).map { $0 + 0.25 }
    try writer.write([
      ("matrix", [2, 4096], matrix),
      ("kept", [2, 4096], try source.weights.floats("kept", shape: [2, 4096])),
      ("vector", [3], [4, 5, 6]),
    ])
    let written = try ModelFolder(path: path)
    #expect(written.weights.names == ["kept", "matrix", "stem", "vector"])
    #expect(try written.weights.floats("vector", shape: [3]) == [4, 5, 6])
    for name in ["kept", "stem"] {
      let shape = try #require(source.weights.shape(of: name))
      func stored(_ weights: Weights) throws -> [UInt8] {
        try weights.withBytes(of: name, shape: shape) { [UInt8]("\($0)".utf8) + $1 }
      }
      #expect(try stored(written.weights) == stored(source.weights))
    }
    let read = try written.weights.floats("matrix", shape: [2, 4096])
    let largest = matrix.map(abs).max()!
    for (a, b) in zip(read, matrix) {
      #expect(abs(a - b) <= (storage == .fp32 ? 0 : largest / 127 / 2 * 1.001))
    }
  }

  /// Neither a copy of other weights nor a setting keeps what was measured of the source's.
  @Test func onlyTheRerankingSettingsChangeInTheConfiguration() throws {
    let path = TemporaryFolder().path + "/model"
    let writer = try ModelFolderWriter(path, like: source(), storage: .fp32)
    try writer.write([])
    try writer.setReranking(depth: 8, itcWeight: 2.5)
    try writer.setReranking(depth: 16, itcWeight: 5)
    #expect(
      try readFile(path + "/config.json", limit: 1000)
        == Array(#"{"blip": {"rerank_depth": 16, "x": 1, "itc_weight": 5.0}}"#.utf8))
    #expect(try ModelFolder(path: path).configuration.rerankDepth == 16)
  }
}
