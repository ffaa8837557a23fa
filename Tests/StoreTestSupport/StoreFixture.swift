package import BLIP
package import Images
package import LMDB
package import Store
package import Tensors
import TestSupport

/// Changes the tables of the index at `path`, which nobody has open, behind the store's back.
package func rewrite(
  _ path: String, _ body: (borrowing WriteTransaction) throws -> Void
) throws {
  let environment = try Environment(path, access: .readWrite)
  try environment.write(body)
}

/// A store over a fresh folder with embeddings of 8 numbers and features of 3 × 5, and what the
/// tests of the store put into it.
package struct StoreFixture {
  package let path: String
  package let store: IndexStore

  package init(features: FeaturePrecision = .bf16) throws {
    path = TemporaryFolder().path + "/index"
    store = try IndexStore.openForWriting(path, metadata: Self.metadata(features: features))
  }

  package static func metadata(
    features: FeaturePrecision = .bf16, precision: Precision = .fp32
  ) -> IndexMetadata {
    IndexMetadata(
      name: "photos", collection: "/home/me/Photos",
      model: IndexedModel(
        name: "blip-mini", path: "/models/blip-mini", fingerprint: "0123456789abcdef0123"),
      sizes: IndexedSizes(image: 224, embedding: 8, featureRows: 3, featureColumns: 5),
      precision: precision, features: features)
  }

  /// The number of tables of an index of the present format.
  package static func tableCount() throws -> Int {
    try StoreFixture().store.read { try $0.tableSizes().count }
  }

  /// A record whose numbers all derive from `seed`.
  package static func record(_ path: String, seed: Int = 1) -> PictureRecord {
    PictureRecord(
      path: Array(path.utf8), size: UInt64(seed) << 40, modified: -Int64(seed),
      contentHash: Array(repeating: UInt8(seed), count: 32), width: seed, height: 70_000 + seed,
      orientation: 1 + seed % 8)
  }

  /// A vector of length 1.
  package static func embedding(_ seed: Int, size: Int = 8) -> [Float] {
    var random = SplitMix64(seed: UInt64(seed))
    let numbers = (0..<size).map { _ in Float.random(in: -1...1, using: &random) }
    let norm = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return numbers.map { $0 / norm }
  }

  package static func signature(_ seed: Int) -> PictureSignature {
    var random = SplitMix64(seed: UInt64(seed))
    let hashes = (0..<PerceptualHashes.count).map { _ in
      UInt64.random(in: 1...(.max), using: &random)
    }
    let colors = (0..<ColorLayout.count).map { _ in UInt8.random(in: 0...255, using: &random) }
    return PictureSignature(
      hashes: PerceptualHashes(values: hashes)!, colors: ColorLayout(values: colors)!,
      sharpness: Float(seed))!
  }

  package static func features(_ seed: Int) -> Matrix {
    var random = SplitMix64(seed: UInt64(seed))
    let values = (0..<15).map { _ in Float.random(in: -4...4, using: &random) }
    return Matrix(rows: 3, columns: 5, values: values)
  }

  /// Rows of every table, `meta`, its copy and the statistics of `terms` aside.
  package func counts() throws -> [String: Int] {
    let sizes = try store.read { try $0.tableSizes() }
    return Dictionary(
      uniqueKeysWithValues: sizes.map { ($0.name, $0.entries - ($0.name == "terms" ? 1 : 0)) }
    )
    .filter { $0.key != "meta" && $0.key != "meta_copy" }
  }
}
