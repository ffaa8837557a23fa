public import Store

/// How an index is updated (``PictureIndex/update(from:options:)``).
public struct IndexingOptions: Sendable {
  /// The name of the index; nil keeps the one it has, or takes the folder's.
  public var name: String?
  /// A file with captions of the pictures: JSON of COCO, Karpathy or `[{image, caption}]`, JSONL, TSV
  /// or CSV with a header, or a file of Flickr8k or Flickr30k. Nil keeps captions that an earlier file
  /// gave.
  public var captions: String?
  /// How patch features are stored for reranking. Nil keeps the index's own format; a new index gets
  /// bf16, or none if its model does not rerank.
  public var features: FeaturePrecision?
  /// Patterns of files and folders to leave out, as lines of `.gitignore`. Nil keeps those of the index.
  public var exclude: [String]?
  /// Whether symbolic links to folders are followed. Nil keeps what the index says, at first no.
  public var followsLinks: Bool?
  /// The folder of the model to build the index with. If the index was built with another one, a new
  /// index is built beside it and then replaces it; until then the old one is searched. Nil: the model
  /// of the index.
  public var model: String?
  /// Target recall of approximate search, 0.5 to 1. Nil keeps the index's own, at first 0.99.
  public var recall: Double?
  /// Whether the vector index is rebuilt from the stored embeddings.
  public var rebuildsVectors = false
  /// Whether files that failed earlier are tried again although they have not changed.
  public var retriesFailures = false
  /// Whether vanished pictures are dropped even if most of the collection seems gone.
  public var allowsVanished = false
  /// Whether the text that pictures show is read, so that searches find its words. Nil keeps the index's own
  /// setting, else no; false removes the words from the index.
  public var readsText: Bool?

  /// The defaults, except for what is given.
  public init(
    name: String? = nil, captions: String? = nil, features: FeaturePrecision? = nil,
    exclude: [String]? = nil
  ) {
    self.name = name
    self.captions = captions
    self.features = features
    self.exclude = exclude
  }

  /// The settings of an index that has the present ones.
  func settings(over present: CollectionSettings?) -> CollectionSettings {
    CollectionSettings(
      exclude: exclude ?? present?.exclude ?? [],
      followsLinks: followsLinks ?? present?.followsLinks ?? false)
  }
}
