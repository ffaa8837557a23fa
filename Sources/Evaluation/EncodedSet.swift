internal import BLIP
internal import Captions
internal import Files
internal import Retrieval
internal import Store
internal import Tensors

/// A captioned set, encoded: ITC embeddings of its pictures, from the index, and of its texts, from the
/// index if it has them.
struct EncodedSet: Sendable {
  /// The pictures' ids in the index.
  let ids: [UInt64]
  let pictures: [[Float]]
  /// The pictures' hubness; nil where the index is not corrected for hubs.
  let hubness: [Float]?
  let texts: [[Float]]
  /// The texts' tokens, `[CLS] … [SEP]`.
  let tokens: [[Int32]]
  /// The texts of every picture, and the picture of every text.
  let textsOfPicture: [Range<Int>]
  let owner: [Int]

  /// Number of texts that are encoded in one task.
  private static let textsAtOnce = 128

  /// Nil if it was stopped. A picture that is not in the index is an error.
  init?(
    _ set: CaptionedSet, in store: IndexStore, model: BLIPModel,
    shouldStop: @escaping @Sendable () -> Bool, report: (EvaluationEvent) -> Void
  ) async throws {
    var ids: [UInt64] = []
    var pictures: [[Float]] = []
    var hubness: [Float] = []
    var known: [String: [Float]] = [:]
    try store.read { snapshot in
      let roots = snapshot.metadata.roots
      let paths = set.locations.map { roots.storedPath(ofLocation: $0) }
      for (picture, path) in zip(set.pictures, paths) {
        guard let path, let id = try snapshot.pictureID(path: path),
          let embedding = try snapshot.embedding(picture: id)
        else { continue }
        ids.append(id)
        pictures.append(embedding)
        if let value = try snapshot.hubness(of: id) { hubness.append(value) }
        let wanted = Set(picture.captions)
        for text in try snapshot.texts(of: id) where wanted.contains(text.text) {
          known[text.text] = try snapshot.embedding(text: text.id)
        }
      }
      try Self.require(ids.count, of: set, paths, in: snapshot, of: store.path)
    }
    (self.ids, self.pictures) = (ids, pictures)
    self.hubness = hubness.count == ids.count ? hubness : nil
    let captions = set.pictures.flatMap(\.captions)
    textsOfPicture = consecutiveRanges(set.pictures.map(\.captions.count))
    owner = zip(textsOfPicture, textsOfPicture.indices).flatMap { range, picture in
      range.map { _ in picture }
    }
    tokens = captions.map { model.tokens(of: $0) }

    let unknown = captions.indices.filter { known[captions[$0]] == nil }
    let parts = stride(from: 0, to: unknown.count, by: Self.textsAtOnce).map {
      Array(unknown[$0..<min($0 + Self.textsAtOnce, unknown.count)])
    }
    var embeddings = captions.map { known[$0] ?? [] }
    var done = 0
    let tokens = tokens
    let isWhole = try await concurrentMap(
      parts, inFlight: processors + 1, shouldStop: shouldStop,
      work: { part in (part, try model.embed(texts: part.map { tokens[$0] })) },
      take: { (part, embedded) in
        for (text, embedding) in zip(part, embedded) { embeddings[text] = embedding }
        done += part.count
        report(.texts(done, of: unknown.count))
      })
    guard isWhole else { return nil }
    texts = embeddings
  }

  private static func require(
    _ found: Int, of set: CaptionedSet, _ paths: [[UInt8]?], in snapshot: borrowing IndexSnapshot,
    of index: String
  ) throws {
    guard found < set.pictures.count else { return }
    for (picture, path) in zip(set.pictures, paths) {
      if let path, try snapshot.pictureID(path: path) != nil { continue }
      throw RetrievalError(
        "\(set.pictures.count - found) of the pictures that \(set.file) names are not in the index "
          + "\(index), such as \(printable(picture.path)): index them, or see among the failures "
          + "of the index why they could not be")
    }
  }
}
