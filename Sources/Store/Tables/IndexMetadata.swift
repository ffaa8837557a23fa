public import BLIP
package import Checkpoints
internal import Files

/// How patch features are stored for ITM.
public enum FeaturePrecision: String, Sendable, CaseIterable {
  /// Not stored.
  case none
  /// Two bytes a number.
  case bf16
  /// One byte a number and a scale a row.
  case int8
}

/// What the `meta` table holds.
public struct IndexMetadata: Sendable, Equatable {
  /// The name of the index.
  public var name: String
  /// The name of the model that it was made with.
  public var modelName: String
  /// Where that model lay when the index was last written.
  public var modelPath: String
  /// The hash of that model's weights and configuration.
  public var modelFingerprint: String
  /// The precision that its embeddings were computed in; never `auto`.
  public var precision: Precision
  /// The side of the square that pictures are resized to.
  public var imageSize: Int
  /// Numbers in an embedding.
  public var embeddingSize: Int
  /// Rows of a picture's patch features `[rows, columns]`.
  public var featureRows: Int
  /// Columns of a picture's patch features.
  public var featureColumns: Int
  /// How patch features are stored.
  public var features: FeaturePrecision
  /// The collection's root: absolute path when it was last indexed.
  public var collection: String

  /// What the `meta` table holds.
  package init(
    name: String, modelName: String, modelPath: String, modelFingerprint: String,
    precision: Precision, imageSize: Int, embeddingSize: Int, featureRows: Int,
    featureColumns: Int, features: FeaturePrecision, collection: String
  ) {
    self.name = name
    self.modelName = modelName
    self.modelPath = modelPath
    self.modelFingerprint = modelFingerprint
    self.precision = precision.resolved
    self.imageSize = imageSize
    self.embeddingSize = embeddingSize
    self.featureRows = featureRows
    self.featureColumns = featureColumns
    self.features = features
    self.collection = collection
  }
}

extension IndexMetadata {
  /// Of a new index over `collection` that is made with a model.
  package init(
    name: String, model: ModelFolder, precision: Precision, features: FeaturePrecision,
    collection: String
  ) {
    let vision = model.configuration.vision
    let side = model.preprocessing.imageSize
    let patches = side / vision.patchSize
    self.init(
      name: name, modelName: model.name, modelPath: model.resolvedPath,
      modelFingerprint: model.fingerprint, precision: precision, imageSize: side,
      embeddingSize: model.configuration.embeddingSize, featureRows: 1 + patches * patches,
      featureColumns: vision.hiddenSize, features: features, collection: collection)
  }

  /// Throws where an index of this metadata at `index` was made with another model.
  package func requireModel(
    named name: String, at path: String, fingerprint: String, index: String
  ) throws(RetrievalError) {
    guard fingerprint != modelFingerprint else { return }
    throw RetrievalError(
      .modelMismatch,
      "\(index): built with the model \(modelName) (\(modelFingerprint.prefix(12))), not with "
        + "\(name) (\(fingerprint.prefix(12)), in \(path)); use the model it was built with, or "
        + "rebuild the index with the other one")
  }

  /// Throws where what is to be written does not fit an index of this metadata at `index`. Name,
  /// collection and model path may differ.
  package func requireSameLayout(as wanted: IndexMetadata, index: String) throws(RetrievalError) {
    try requireModel(
      named: wanted.modelName, at: wanted.modelPath, fingerprint: wanted.modelFingerprint,
      index: index)
    guard wanted.precision == precision else {
      throw RetrievalError(
        .precisionMismatch(precision),
        "\(index): its embeddings are \(precision.rawValue), not \(wanted.precision.rawValue); use "
          + "\(precision.rawValue), or another index directory")
    }
    guard wanted.features == features else {
      throw RetrievalError(
        .featuresMismatch(features),
        "\(index): its patch features are \(features.rawValue), not \(wanted.features.rawValue); "
          + "use \(features.rawValue), or another index directory")
    }
    for (what, ours, theirs) in [
      ("an image size", imageSize, wanted.imageSize),
      ("embeddings", embeddingSize, wanted.embeddingSize),
      ("patch feature rows", featureRows, wanted.featureRows),
      ("patch feature columns", featureColumns, wanted.featureColumns),
    ] where ours != theirs {
      throw RetrievalError(
        .sizeMismatch,
        "\(index): built with \(what) of \(ours), not of \(theirs); use another index directory, "
          + "or delete this one and index again")
    }
  }

  /// Why no index can have such sizes; nil where one can.
  var sizeFault: String? {
    let most = 1 << 20
    for (what, size) in [
      ("image size", imageSize), ("embedding size", embeddingSize),
      ("feature rows", featureRows), ("feature columns", featureColumns),
    ] where !(1...most).contains(size) {
      return "\(what) \(size)"
    }
    // A value of LMDB has less than 4 GiB.
    if featureRows * featureColumns > 1 << 28 { return "\(featureRows)×\(featureColumns) features" }
    return nil
  }
}

extension ModelFolder {
  /// Its absolute path without symbolic links.
  package var resolvedPath: String {
    let path = Array(path.utf8)
    return String(decoding: (try? FileSystem.resolved(path)) ?? path, as: UTF8.self)
  }
}
