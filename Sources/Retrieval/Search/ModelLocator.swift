import BLIP
import Checkpoints
import Store

/// Finds the folder of the model that an index, or an export of one, was made with.
struct ModelLocator {
  /// What was made with it, for errors: "the index …".
  let user: String
  let name: String
  /// Where it lay then.
  let path: String
  let fingerprint: String

  /// Of an index.
  init(index: String, metadata: IndexMetadata) {
    user = "the index \(index)"
    name = metadata.model.name
    path = metadata.model.path
    fingerprint = metadata.model.fingerprint
  }

  /// Of an export.
  init(export: String, model: ExportManifest.Model) {
    user = "the export \(export)"
    (name, path, fingerprint) = (model.name, model.path, model.fingerprint)
  }

  /// The model at `given` if there is one; else the one that is remembered if it is still there and
  /// still the same; else the default model.
  func folder(given: String?) throws -> ModelFolder {
    if let given { return try checked(ModelFolder(path: given)) }
    if let remembered = try? ModelFolder(path: path), remembered.fingerprint == fingerprint {
      return remembered
    }
    return try checked(ModelFolder(path: BLIPModel.defaultModelPath()))
  }

  private func checked(_ folder: ModelFolder) throws(RetrievalError) -> ModelFolder {
    guard folder.fingerprint == fingerprint else {
      throw RetrievalError(
        .modelMismatch,
        "\(user) was built with the model \(name)"
          + " (\(fingerprint.prefix(12)), then in \(path)), not with"
          + " \(folder.name) (\(folder.fingerprint.prefix(12)), in \(folder.path)); use the"
          + " model it was built with, or rebuild it with this one")
    }
    return folder
  }
}
