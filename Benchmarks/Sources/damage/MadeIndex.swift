import Foundation
import Images
import Random
import Retrieval
import Store
import Tensors

/// All that an index says of its pictures and texts.
struct Contents: Equatable {
  struct Picture: Equatable {
    var record: PictureRecord
    var embedding: [Float]?
    var features: [Float]?
    var details: PictureDetails?
    var signature: PictureSignature?
    var texts: [UInt64: String]
  }
  var pictures: [UInt64: Picture] = [:]
  /// Embeddings by text.
  var texts: [UInt64: [Float]] = [:]

  init(of path: String) throws {
    try IndexStore.open(path).read { snapshot in
      try snapshot.forEachPicture { id, record in
        let texts = try snapshot.texts(of: id)
        pictures[id] = Picture(
          record: record, embedding: try snapshot.embedding(picture: id),
          features: try snapshot.features(picture: id)?.values,
          details: try snapshot.details(picture: id),
          signature: try snapshot.signature(picture: id),
          texts: Dictionary(uniqueKeysWithValues: texts.map { ($0.id, $0.text) }))
      }
      try snapshot.forEachText { id, _ in texts[id] = try snapshot.embedding(text: id) }
    }
  }

  /// What another index says that this one does not; details and signatures may be missing there, which are
  /// read from the files again.
  func contradiction(in other: Contents) -> String? {
    for (id, picture) in other.pictures {
      guard let own = pictures[id] else { return "picture \(id) was not there" }
      if picture.record != own.record { return "the record of picture \(id) differs" }
      if picture.embedding != own.embedding { return "the embedding of picture \(id) differs" }
      if picture.features != own.features { return "the features of picture \(id) differ" }
      if picture.details != nil, picture.details != own.details { return "the details differ" }
      if picture.signature != nil, picture.signature != own.signature {
        return "the signature of picture \(id) differs"
      }
      for (text, words) in picture.texts where own.texts[text] != words {
        return "text \(text) of picture \(id) differs"
      }
    }
    for (id, embedding) in other.texts where texts[id] != embedding {
      return "the embedding of text \(id) differs"
    }
    return nil
  }
}

/// An index with a history.
struct MadeIndex {
  let bytes: [UInt8]
  /// The copy of the settings beside it.
  let settings: Data
  let contents: Contents
  private static let size = 64

  init(at path: String, pictures count: Int, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    func embedding() -> [Float] {
      let numbers = (0..<Self.size).map { _ in Float.random(in: -1...1, using: &random) }
      let norm = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return numbers.map { $0 / norm }
    }
    func picture(_ number: Int) throws -> (PictureRecord, Matrix, PictureSignature) {
      let record = PictureRecord(
        path: Array("\(seed)/picture \(number).jpg".utf8),
        size: .random(in: 1...1 << 20, using: &random),
        modified: .random(in: 1...1 << 60, using: &random),
        contentHash: (0..<32).map { _ in .random(in: 0...255, using: &random) },
        width: 640, height: 480, orientation: 1)
      let features = Matrix(
        rows: 5, columns: Self.size,
        values: (0..<5 * Self.size).map { _ in .random(in: -4...4, using: &random) })
      let hashes = (0..<PerceptualHashes.count).map { _ in
        UInt64.random(in: 1...(.max), using: &random)
      }
      let colors = (0..<ColorLayout.count).map { _ in UInt8.random(in: 0...255, using: &random) }
      return (
        record, features,
        PictureSignature(
          hashes: PerceptualHashes(values: hashes)!, colors: ColorLayout(values: colors)!,
          sharpness: 1)!
      )
    }
    do {
      let store = try IndexStore.openForWriting(
        path,
        metadata: IndexMetadata(
          name: "made", collection: "/made",
          model: IndexedModel(name: "made", path: "/model", fingerprint: "0123456789abcdef0123"),
          sizes: IndexedSizes(
            image: 224, embedding: Self.size, featureRows: 5, featureColumns: Self.size),
          precision: .fp32, features: .bf16))
      func put(_ number: Int, in change: borrowing IndexWriter) throws {
        let (record, features, signature) = try picture(number)
        let id = try change.put(
          record, embedding: embedding(), features: features,
          details: PictureDetails(title: "title \(number)", keywords: ["made"]),
          signature: signature)
        try change.setTexts(
          [("caption \(number) of a made picture, seed \(seed)", embedding())], of: id)
      }
      for start in stride(from: 0, to: count, by: 40) {
        try store.write { change in
          for number in start..<min(start + 40, count) { try put(number, in: change) }
        }
      }
      // Some are changed, some removed.
      for start in stride(from: 0, to: count, by: 97) {
        try store.write { change in
          for number in start..<min(start + 9, count) { try put(number, in: change) }
        }
        try store.write { try $0.removePicture(UInt64(start + 12)) }
      }
      try store.write { try $0.removePicture(UInt64(count)) }
    }
    bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/data.mdb")))
    settings = try Data(contentsOf: URL(fileURLWithPath: "\(path)/settings"))
    contents = try Contents(of: path)
  }
}
