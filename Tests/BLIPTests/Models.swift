import FoundationEssentials
import TestSupport
import Testing

@testable import BLIP
@testable import Checkpoints

let fixtures = Checkout.fixtures(of: "BLIPTests")

/// The two models that everything is tried with.
enum Models {
  /// BLIP as Hugging Face builds it, tiny, with random weights: a linear patch embedding.
  static let tiny = Result { try BLIPModel(folder: ModelFolder(path: tinyFolder().path)) }

  /// The default model: a convolutional stem, weights in int8.
  static let standard = Result {
    try BLIPModel(folder: ModelFolder(path: BLIPModel.defaultModelPath()))
  }

  /// The default model with its decoder.
  static let captioner = Result {
    try BLIPModel(folder: ModelFolder(path: BLIPModel.defaultModelPath()), use: .captions)
  }

  /// A captioner with nothing else of the text side, tiny, with random weights.
  static let tinyCaptioner = Result {
    try BLIPModel(folder: ModelFolder(path: TinyModel.captioning.path), use: .captions)
  }

  /// The same as Hugging Face builds it, which its references were computed with.
  static let referenceCaptionerPath = "\(Checkout.shared)/fixtures/blip-tiny-caption"
  static let hasReferenceCaptioner = Checkout.has(referenceCaptionerPath)
  static let missingCaptioner: Comment =
    "needs ../shared/fixtures/blip-tiny-caption, a captioner that Hugging Face saved"

  static func referenceCaptioner() throws -> BLIPModel {
    let folder = TemporaryFolder()
    for file in ["config.json", "preprocessor_config.json", "model.safetensors"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/\(file)", withDestinationPath: "\(referenceCaptionerPath)/\(file)")
    }
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder.path)/vocab.txt",
      withDestinationPath: "\(BLIPModel.defaultModelPath())/vocab.txt")
    return try BLIPModel(folder: ModelFolder(path: folder.path), use: .captions)
  }

  /// A folder of the tiny model to change something in. The vocabulary is the default model's.
  static func tinyFolder() throws -> TemporaryFolder {
    let folder = TemporaryFolder()
    let files = FileManager.default
    for file in ["config.json", "preprocessor_config.json", "model.safetensors"] {
      try files.createSymbolicLink(
        atPath: "\(folder.path)/\(file)", withDestinationPath: "\(fixtures)/blip-tiny/\(file)")
    }
    try files.createSymbolicLink(
      atPath: "\(folder.path)/vocab.txt",
      withDestinationPath: "\(BLIPModel.defaultModelPath())/vocab.txt")
    return folder
  }
}
