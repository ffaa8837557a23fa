// Makes an index of random unit embeddings, to time searches of collections that were never
// encoded:
//
//     made-index FOLDER PICTURES MODEL [FEATURES] [PRECISION] [EMBEDDINGS [SIGNED]]
//
// FOLDER becomes an index of PICTURES pictures as if encoded by MODEL (a folder). FEATURES is none
// (the default), bf16 or int8; with bf16 or int8 every picture gets random patch features.
// EMBEDDINGS is a file of float32 rows to use instead of random ones, such as the vectors of `make
// bench-index`; `-` for random ones. SIGNED is an index of real pictures, whose signatures the made
// pictures get: each quarter of a perceptual hash is that of another real picture, so that quarters are as
// common as among real ones and hashes are not; every twentieth picture is a near-identical copy of the one
// before it. The pictures' files do not exist, so only text searches work.

import BLIP
import Checkpoints
import Foundation
import Images
import Random
import Retrieval
import Tensors

let arguments = CommandLine.arguments.dropFirst()
guard (3...7).contains(arguments.count), let count = Int(arguments[2]), count > 0,
  let features = FeaturePrecision(rawValue: arguments.count > 3 ? arguments[4] : "none"),
  let precision = Precision(rawValue: arguments.count > 4 ? arguments[5] : "fp32")
else { fatalError("made-index FOLDER PICTURES MODEL [FEATURES] [PRECISION] [EMBEDDINGS [SIGNED]]") }
let model = try ModelFolder(path: arguments[3])
let metadata = IndexMetadata(
  name: "made", model: model, precision: precision, features: features, collection: "/made")

/// Every run makes the same index.
nonisolated(unsafe) var random = SplitMix64(seed: 1)
func numbers(_ count: Int) -> [Float] {
  (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
}

let given =
  try arguments.count > 5 && arguments[6] != "-"
  ? Data(contentsOf: URL(fileURLWithPath: arguments[6]), options: .alwaysMapped) : nil
func embedding(_ number: Int) -> [Float] {
  let size = metadata.sizes.embedding
  guard let given else { return normalized(numbers(size)) }
  return given.withUnsafeBytes { bytes in
    (0..<size).map {
      bytes.loadUnaligned(fromByteOffset: 4 * (number * size + $0), as: Float.self)
    }
  }
}

/// Signatures of real pictures.
let signed: [PictureSignature] =
  try arguments.count > 6
  ? IndexStore.open(arguments[7]).read { snapshot in
    var signatures: [PictureSignature] = []
    try snapshot.forEachPicture { id, _ in
      if let signature = try snapshot.signature(picture: id) { signatures.append(signature) }
    }
    return signatures
  } : []

func mixedSignature() -> PictureSignature? {
  guard !signed.isEmpty else { return nil }
  let sources = (0..<4).map { _ in signed.randomElement(using: &random)! }
  let values = sources[0].hashes.values.indices.map { part in
    sources.enumerated().reduce(UInt64(0)) { mixed, source in
      mixed | source.element.hashes.values[part] & 0xFFFF << UInt64(16 * source.offset)
    }
  }
  return PictureSignature(
    hashes: PerceptualHashes(values: values)!, colors: sources[0].colors,
    sharpness: sources[0].sharpness)
}
var last: (embedding: [Float], signature: PictureSignature?) = ([], nil)

let store = try IndexStore.openForWriting(arguments[1], metadata: metadata)
for start in stride(from: 0, to: count, by: 500) {
  try store.write { change in
    for number in start..<min(start + 500, count) {
      if number % 20 != 19 || signed.isEmpty {
        last = (embedding(number), mixedSignature())
      }
      let hash = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
      try change.put(
        PictureRecord(
          path: Array("\(number).jpg".utf8), size: 1, modified: 1, contentHash: hash, width: 640,
          height: 480, orientation: 1),
        embedding: last.embedding,
        features: features == .none
          ? nil
          : Matrix(
            rows: metadata.sizes.featureRows, columns: metadata.sizes.featureColumns,
            values: numbers(metadata.sizes.featureRows * metadata.sizes.featureColumns)),
        signature: last.signature)
    }
  }
}
_ = try store.updateVectorIndex()
print("\(count) pictures in \(arguments[1])")
