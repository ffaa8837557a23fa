import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Checkpoints

@Suite struct ConversionTests {
  private typealias Fixtures = CheckpointFixtures
  private let vocabulary = Fixtures.retrieval + "/vocab.txt"

  private func convert(
    _ path: String, to out: String, imageSize: Int? = nil, int8: Bool = false
  ) throws -> ModelFolder {
    try ModelConversion(
      path, imageSize: imageSize, vocabulary: nil, standardVocabulary: vocabulary
    ).write(to: out, int8: int8) { _ in }
    return try ModelFolder(path: out)
  }

  @Test func convertingTheFormatPreservesTheModel() throws {
    let folder = try Fixtures.folder(Fixtures.retrieval, ["pytorch_model.bin"])
    let out = TemporaryFolder().path + "/out"
    let model = try convert(folder.path, to: out)
    #expect(model.fingerprint == (try ModelFolder(path: folder.path)).fingerprint)
    #expect(
      try Weights(file: out + "/model.safetensors").contents
        == Weights(file: Fixtures.retrieval + "/model.safetensors").contents)
    #expect(try FileManager.default.contentsOfDirectory(atPath: out).count == 4)
  }

  /// The configuration inferred from the shapes equals that of the model that the file was made
  /// from.
  @Test(arguments: ["retrieval", "caption"])
  func aFileWithoutConfiguration(name: String) throws {
    let source = "\(Fixtures.path)/formats/\(name)"
    let reference = try ModelFolder(path: source)
    let model = try convert(source + "/original.pth", to: TemporaryFolder().path + "/out")
    #expect(model.configuration.vision == reference.configuration.vision)
    #expect(model.configuration.text == reference.configuration.text)
    #expect(model.preprocessing == reference.preprocessing)
    if name == "retrieval" {
      #expect(model.configuration.embeddingSize == reference.configuration.embeddingSize)
    }
    for (name, contents) in reference.weights.contents {
      #expect(model.weights.contents[name] == contents, "\(name)")
    }
  }

  @Test func matricesInInt8() throws {
    let source = try Fixtures.folder(Fixtures.retrieval, ["pytorch_model.bin"])
    let reference = try ModelFolder(path: source.path).weights
    let model = try convert(source.path, to: TemporaryFolder().path + "/out", int8: true)
    // A model this small has no matrix large enough for int8.
    #expect(model.weights.storage.contains { $0.type == .int8 && $0.parameters > 4096 } == false)
    #expect(model.weights.contents == reference.contents)
  }

  @Test(arguments: [16, 56])
  func changesTheInputSize(size: Int) throws {
    let model = try convert(
      Fixtures.retrieval, to: TemporaryFolder().path + "/out", imageSize: size)
    let reference = try ModelFolder(path: Fixtures.retrieval).weights
    #expect(model.configuration.vision.imageSize == size && model.preprocessing.imageSize == size)
    let side = size / 8
    let name = Weights.positionEmbedding
    let old = try reference.floats(name, shape: [1, 17, 16])
    let new = try model.weights.floats(name, shape: [1, 1 + side * side, 16])
    #expect(new[..<16] == old[..<16])
    #expect(Array(new[16...]) == interpolate(Array(old[16...]), width: 16, from: 4, to: side))
    // The same as for a folder whose configuration has another size than its weights.
    let folder = TemporaryFolder()
    for file in ["config.json", "preprocessor_config.json", "vocab.txt"] {
      folder.write(file, try Fixtures.bytes("\(model.path)/\(file)"))
    }
    folder.write("pytorch_model.bin", try Fixtures.bytes(Fixtures.retrieval + "/pytorch_model.bin"))
    let fitted = try ModelFolder(path: folder.path)
    #expect(fitted.weights.contents == model.weights.contents)
    fitted.weights.release(name)
    #expect(try fitted.weights.floats(name, shape: [1, 1 + side * side, 16]) == new)
  }

  @Test func rejectsASizeThatPatchesDoNotDivide() {
    #expect {
      try convert(Fixtures.retrieval, to: TemporaryFolder().path + "/out", imageSize: 30)
    } throws: {
      "\($0)".contains("patch_size 8 does not divide 30")
    }
  }

  @Test func theFolderAppearsAtomically() throws {
    let place = TemporaryFolder()
    let conversion = try ModelConversion(
      Fixtures.retrieval, vocabulary: nil, standardVocabulary: vocabulary)
    #expect(throws: CheckpointError("no")) {
      try conversion.write(to: place.path + "/out") { folder in
        // It is complete when it is checked.
        #expect(folder.weights.names.count > 50)
        throw CheckpointError("no")
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).isEmpty)
    place.write("mine", [1])
    #expect {
      try conversion.write(to: place.path) { _ in }
    } throws: {
      "\($0)".contains("holds other things")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == ["mine"])
  }

  /// Compares with PyTorch, enlarging and shrinking.
  @Test(arguments: [(4, 7), (24, 14), (14, 24), (3, 1), (1, 3)])
  func interpolatesPositionsLikePyTorch(old: Int, new: Int) throws {
    let expected = try Weights(file: Fixtures.path + "/expected.safetensors")
    let grid = try expected.floats("grid.\(old)", shape: [1, old, old, 3])
    let reference = try expected.floats("grid.\(old).\(new)", shape: [1, new, new, 3])
    let result = interpolate(grid, width: 3, from: old, to: new)
    #expect(result.count == reference.count)
    let error = zip(result, reference).map { abs($0 - $1) }.max() ?? .infinity
    #expect(error <= 1e-6, "off by \(error)")
  }
}
