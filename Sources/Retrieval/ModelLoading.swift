internal import BLIP
internal import Checkpoints
internal import Store

/// Loads the model of a folder, or the default one, on a thread that may block.
func loadModel(
  _ folder: String?, precision: Precision, use: BLIPModel.Use = .retrieval, cache: String?
) async throws(RetrievalError) -> BLIPModel {
  try await blocking { () throws(RetrievalError) in
    try asRetrievalError(.unusableModel) {
      try BLIPModel(
        folder: ModelFolder(path: folder ?? BLIPModel.defaultModelPath()), precision: precision,
        use: use, cache: cache)
    }
  }
}
