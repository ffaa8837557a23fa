import BLIP
import Checkpoints

/// Finds the folder of the model that an index was made with.
struct ModelLocator {
  let index: String
  let metadata: IndexMetadata

  /// The model at `path` if one is given; else the one that the index remembers if it is still
  /// there and still the same; else the default model.
  func folder(given path: String?) throws -> ModelFolder {
    if let path { return try checked(ModelFolder(path: path)) }
    if let remembered = try? ModelFolder(path: metadata.modelPath),
      remembered.fingerprint == metadata.modelFingerprint
    {
      return remembered
    }
    return try checked(ModelFolder(path: BLIPModel.defaultModelPath()))
  }

  private func checked(_ folder: ModelFolder) throws(RetrievalError) -> ModelFolder {
    guard folder.fingerprint == metadata.modelFingerprint else {
      throw RetrievalError(
        "the index \(index) was made with the model \(metadata.modelName)"
          + " (\(metadata.modelFingerprint.prefix(12)), then in \(metadata.modelPath)), not with"
          + " \(folder.name) (\(folder.fingerprint.prefix(12)), in \(folder.path)); give its folder"
          + " with --model, or index again with this one")
    }
    return folder
  }
}
