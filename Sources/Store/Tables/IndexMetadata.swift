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

/// The model that an index was made with.
public struct IndexedModel: Sendable, Equatable {
  /// Its name.
  public var name: String
  /// Where it lay when the index was last written.
  public var path: String
  /// The hash of its weights and configuration.
  public var fingerprint: String

  /// A model by what identifies it.
  package init(name: String, path: String, fingerprint: String) {
    (self.name, self.path, self.fingerprint) = (name, path, fingerprint)
  }
}

/// The sizes of what a model computes of a picture.
public struct IndexedSizes: Sendable, Equatable {
  /// The side of the square that pictures are resized to.
  public var image: Int
  /// Numbers in an embedding.
  public var embedding: Int
  /// Rows of a picture's patch features `[rows, columns]`.
  public var featureRows: Int
  /// Columns of a picture's patch features.
  public var featureColumns: Int

  /// The four sizes.
  package init(image: Int, embedding: Int, featureRows: Int, featureColumns: Int) {
    (self.image, self.embedding) = (image, embedding)
    (self.featureRows, self.featureColumns) = (featureRows, featureColumns)
  }

  /// Each with its name.
  fileprivate var named: [(name: String, size: Int)] {
    [
      ("image size", image), ("embedding size", embedding), ("feature rows", featureRows),
      ("feature columns", featureColumns),
    ]
  }

  /// Why no index can have such sizes; nil where one can.
  var fault: String? {
    let most = 1 << 20
    for (name, size) in named where !(1...most).contains(size) { return "\(name) \(size)" }
    // A value of LMDB has less than 4 GiB.
    if featureRows * featureColumns > 1 << 28 { return "\(featureRows)×\(featureColumns) features" }
    return nil
  }
}

/// What of a collection is in its index; the settings are kept from run to run.
public struct CollectionSettings: Sendable, Equatable {
  /// Patterns of files and folders to leave out, as lines of `.gitignore`.
  public var exclude: [String]
  /// Whether symbolic links to folders are followed.
  public var followsLinks: Bool

  /// The defaults, except for what is given.
  public init(exclude: [String] = [], followsLinks: Bool = false) {
    (self.exclude, self.followsLinks) = (exclude, followsLinks)
  }
}

/// What the `meta` table holds.
public struct IndexMetadata: Sendable, Equatable {
  /// The name of the index.
  public var name: String
  /// The folders whose pictures it has.
  public var roots: CollectionRoots
  /// What of the collection is in the index.
  public var settings: CollectionSettings
  /// The model that it was made with.
  public var model: IndexedModel
  /// The sizes of what that model computes.
  public var sizes: IndexedSizes
  /// The precision that its embeddings were computed in; never `auto`.
  public var precision: Precision
  /// How patch features are stored.
  public var features: FeaturePrecision

  /// What the `meta` table holds, of an index with a single root.
  package init(
    name: String, collection: String, settings: CollectionSettings = CollectionSettings(),
    model: IndexedModel, sizes: IndexedSizes, precision: Precision, features: FeaturePrecision
  ) {
    (self.name, self.settings) = (name, settings)
    roots = CollectionRoots(collection)
    (self.model, self.sizes) = (model, sizes)
    (self.precision, self.features) = (precision.resolved, features)
  }
}

extension IndexMetadata {
  /// The path of the first root.
  public var collection: String { roots.all.first?.path ?? "" }

  /// Of a new index over `collection` that is made with a model.
  package init(
    name: String, model: ModelFolder, precision: Precision, features: FeaturePrecision,
    collection: String, settings: CollectionSettings = CollectionSettings()
  ) {
    let vision = model.configuration.vision
    let side = model.preprocessing.imageSize
    let patches = side / vision.patchSize
    self.init(
      name: name, collection: collection, settings: settings,
      model: IndexedModel(
        name: model.name, path: model.resolvedPath, fingerprint: model.fingerprint),
      sizes: IndexedSizes(
        image: side, embedding: model.configuration.embeddingSize,
        featureRows: 1 + patches * patches, featureColumns: vision.hiddenSize),
      precision: precision, features: features)
  }

  /// Throws where an index of this metadata at `index` was made with another model.
  package func requireModel(
    named name: String, at path: String, fingerprint: String, index: String
  ) throws(RetrievalError) {
    guard fingerprint != model.fingerprint else { return }
    throw RetrievalError(
      .modelMismatch,
      "\(index): built with the model \(model.name) (\(model.fingerprint.prefix(12))), not with "
        + "\(name) (\(fingerprint.prefix(12)), in \(path)); use the model it was built with, or "
        + "rebuild the index with the other one")
  }

  /// Throws where what is to be written does not fit an index of this metadata at `index`. Name,
  /// collection and model path may differ.
  package func requireSameLayout(as wanted: IndexMetadata, index: String) throws(RetrievalError) {
    try requireModel(
      named: wanted.model.name, at: wanted.model.path, fingerprint: wanted.model.fingerprint,
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
    for (ours, theirs) in zip(sizes.named, wanted.sizes.named) where ours.size != theirs.size {
      throw RetrievalError(
        .sizeMismatch,
        "\(index): built with the \(ours.name) \(ours.size), not \(theirs.size); use another index "
          + "directory, or delete this one and index again")
    }
  }
}

extension ModelFolder {
  /// Its absolute path without symbolic links.
  package var resolvedPath: String {
    let path = Array(path.utf8)
    return String(decoding: (try? FileSystem.resolved(path)) ?? path, as: UTF8.self)
  }
}
