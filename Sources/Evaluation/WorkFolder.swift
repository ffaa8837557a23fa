package import BLIP
package import Captions
internal import Checkpoints
internal import Digests
internal import FoundationEssentials
package import Retrieval
public import Store

/// A directory that keeps the results of evaluations for later ones. Each file in it belongs to one model,
/// precision and captioned set, by its name; it may be deleted at any time.
public struct WorkFolder: Sendable {
  private let path: String

  /// Creates the directory if there is none.
  public init(_ path: String) throws(RetrievalError) {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw RetrievalError("\(path): cannot create this directory; use another work directory")
    }
  }

  /// The request for an index of a set's pictures only. By default it stores embeddings and texts; a
  /// picture's patch features, which are needed once, are computed when needed, in full precision.
  package func indexing(
    _ set: CaptionedSet, with model: BLIPModel, features: FeaturePrecision = .none
  ) -> IndexingRequest {
    IndexingRequest(
      collection: String(decoding: set.root, as: UTF8.self),
      index: "\(path)/index-\(name(set, model, features: features))",
      options: IndexingOptions(captions: set.file, features: features),
      only: Set(set.pictures.map(\.path)))
  }

  /// The path of the journal of a set's pairs, and its key (32 bytes).
  func journal(
    _ set: CaptionedSet, with model: BLIPModel, features: FeaturePrecision
  ) -> (path: String, key: [UInt8]) {
    (
      "\(path)/pairs-\(name(set, model, features: features)).journal",
      key(set, model, features: features)
    )
  }

  private func name(_ set: CaptionedSet, _ model: BLIPModel, features: FeaturePrecision) -> String {
    String(hexadecimal(key(set, model, features: features)).prefix(16))
  }

  private func key(_ set: CaptionedSet, _ model: BLIPModel, features: FeaturePrecision) -> [UInt8] {
    var digest = SHA256()
    func feed(_ bytes: [UInt8], _ digest: inout SHA256) {
      withUnsafeBytes(of: bytes.count.littleEndian) { digest.update($0) }
      bytes.withUnsafeBytes { digest.update($0) }
    }
    for text in [model.folder.fingerprint, model.precision.rawValue, features.rawValue] {
      feed(Array(text.utf8), &digest)
    }
    feed(set.root, &digest)
    for picture in set.pictures {
      feed(picture.path, &digest)
      for caption in picture.captions { feed(Array(caption.utf8), &digest) }
      feed([], &digest)
    }
    return digest.finish()
  }
}
