import BLIP
import Checkpoints
import Digests
import Files
import Images
import Store
import Tensors

/// A picture to read: new, or known by the index with another size or time.
struct EncodingJob: Sendable {
  let found: FoundPicture
  let known: PictureRecord?
}

/// What an index stores of a picture's content.
struct PictureParts: Sendable {
  let embedding: [Float]
  let features: Matrix?
  /// Nil where it could not be read.
  let details: PictureDetails?
  /// Nil where an older index does not have it.
  let signature: PictureSignature?
  /// The words that it shows; nil where they are not read.
  let shownText: String?
}

/// What came of one picture, to be committed.
enum EncodingOutcome: Sendable {
  /// `isNew`: the index had no picture of this path; `duration`: of the image encoder alone.
  case encoded(PictureRecord, PictureParts, isNew: Bool, duration: Duration)
  /// The index has the content under another path. `movedFrom`: that path, where the collection no
  /// longer has it.
  case copied(PictureRecord, PictureParts, isNew: Bool, movedFrom: [UInt8]?)
  /// The content is what it was, only size or time changed.
  case touched(path: [UInt8], size: UInt64, modified: Int64)
  case failed(FailureRecord)
}

/// Reads, hashes, decodes and encodes pictures; works in several tasks at once.
struct PictureEncoder: Sendable {
  let model: BLIPModel
  let store: IndexStore
  let decoder: any PictureDecoder
  /// Where pictures lie by their stored paths.
  let roots: CollectionRoots
  let keepsFeatures: Bool
  let readsText: Bool
  /// Paths that the index has and the collection no longer, by their content.
  let vanished: [[UInt8]: [UInt8]]

  /// The outcome for one picture. Whatever is wrong with the file is an outcome; what is thrown is
  /// wrong with the model or the index.
  func outcome(of job: EncodingJob) throws -> EncodingOutcome {
    let path = job.found.path
    let bytes: [UInt8]
    let status: FileStatus
    do {
      (bytes, status) = try FileSystem.readUnchanging(
        roots.location(of: path), limit: decoder.maximumBytes)
    } catch FileError.tooLarge(let size, let limit) {
      let error = ImageError.tooManyBytes(Int(clamping: size), limit: limit)
      return failure(path, error.description, size: job.found.size, modified: job.found.modified)
    } catch {
      // No content was seen: without size and time the next run tries again.
      return failure(path, error.description, size: 0, modified: 0)
    }
    let hash = SHA256.digest(of: bytes)
    if let known = job.known, known.contentHash == hash {
      return .touched(path: path, size: status.size, modified: status.modified)
    }
    if let same = try reused(hash) {
      var record = same.record
      (record.path, record.size, record.modified) = (path, status.size, status.modified)
      return .copied(
        record, same.parts, isNew: job.known == nil,
        movedFrom: vanished[hash] == same.record.path ? same.record.path : nil)
    }
    let decoded: (picture: Picture, properties: ImageProperties)
    do {
      decoded = try decoder.decode(bytes, forSide: model.folder.preprocessing.imageSize)
    } catch let error as ImageError {
      return failure(path, error.description, size: status.size, modified: status.modified)
    }
    let pixels = model.pixels(of: decoded.picture)
    let start = ContinuousClock.now
    let encoding = try model.encode(pixels: pixels, keepsFeatures: keepsFeatures)
    let duration = ContinuousClock.now - start
    let record = PictureRecord(
      path: path, size: status.size, modified: status.modified, contentHash: hash,
      width: decoded.properties.width, height: decoded.properties.height,
      orientation: decoded.properties.orientation)
    let parts = PictureParts(
      embedding: encoding.embedding, features: keepsFeatures ? encoding.features : nil,
      details: MetadataReader.isAvailable ? try decoder.details(of: bytes) : nil,
      signature: PictureSignature(of: decoded.picture),
      shownText: readsText ? try decoder.text(in: bytes) : nil)
    return .encoded(record, parts, isNew: job.known == nil, duration: duration)
  }

  /// What the index holds of the same content under any path, one that vanished before others.
  private func reused(_ hash: [UInt8]) throws -> (record: PictureRecord, parts: PictureParts)? {
    try store.read { snapshot in
      let moved = try vanished[hash].flatMap { try snapshot.pictureID(path: $0) }
      guard let id = try moved ?? snapshot.pictures(contentHash: hash).first,
        let record = try snapshot.picture(id), let embedding = try snapshot.embedding(picture: id)
      else { return nil }
      let features = keepsFeatures ? try snapshot.features(picture: id) : nil
      if keepsFeatures, features == nil { return nil }
      let parts = PictureParts(
        embedding: embedding, features: features, details: try snapshot.details(picture: id),
        signature: try snapshot.signature(picture: id),
        shownText: try snapshot.shownText(picture: id))
      return (record, parts)
    }
  }

  private func failure(
    _ path: [UInt8], _ reason: String, size: UInt64, modified: Int64
  ) -> EncodingOutcome {
    .failed(
      FailureRecord(
        path: path, reason: reason, size: size, modified: modified, when: FileSystem.now))
  }
}

extension FailureRecord {
  /// Whether the file's bytes were read, so that what the index held of them is known to be stale.
  var sawContent: Bool { size != 0 || modified != 0 }
}
