// Measures how the precision of embeddings affects search:
//
//     precision MODEL CAPTIONS INDEX…
//
// INDEX… are indexes of one collection, made by `blip index --precision …`; the first is the
// reference. CAPTIONS is the captions file in TSV, "image<TAB>caption" after a header. Prints the
// cosines of equal inputs between precisions; then, for every pair of an index's precision and a
// query's, the recall of the captions' pictures, and how many of the ten nearest are also found
// with the reference's precision for both.

import BLIP
import Checkpoints
import Foundation
import Retrieval
import Tensors

let arguments = CommandLine.arguments
guard arguments.count > 3 else { fatalError("precision MODEL CAPTIONS INDEX…") }
let lines = try String(contentsOfFile: arguments[2], encoding: .utf8).split(separator: "\n")
  .dropFirst().map { $0.split(separator: "\t", maxSplits: 1).map(String.init) }

struct Variant {
  let precision: Precision
  let store: IndexStore
  let pictures: [String: (id: UInt64, embedding: [Float])]
  let captions: [[Float]]
}

func cosines(_ a: [[Float]], _ b: [[Float]]) -> String {
  let cosines = zip(a, b).map { dot($0, $1) }
  let mean = cosines.reduce(0) { $0 + Double($1) } / Double(cosines.count)
  return String(format: "least %.6f, mean %.6f", cosines.min() ?? 0, mean)
}

let folder = try ModelFolder(path: arguments[1])
let variants = try arguments[3...].map { path in
  let store = try IndexStore.open(path)
  let precision = store.metadata.precision
  let model = try BLIPModel(folder: folder, precision: precision)
  var pictures: [String: (id: UInt64, embedding: [Float])] = [:]
  try store.read { snapshot in
    try snapshot.forEachPicture { id, record in
      pictures[String(decoding: record.path, as: UTF8.self)] = (
        id, try snapshot.embedding(picture: id) ?? []
      )
    }
  }
  let captions = try model.embed(texts: lines.map { model.tokens(of: $0[1]) })
  return Variant(precision: precision, store: store, pictures: pictures, captions: captions)
}

let first = variants[0]
let names = first.pictures.keys.sorted()
for variant in variants.dropFirst() {
  let pictures = cosines(
    names.map { first.pictures[$0]!.embedding }, names.map { variant.pictures[$0]!.embedding })
  print("\(variant.precision) and \(first.precision): pictures \(pictures)")
  print(
    "\(variant.precision) and \(first.precision): texts \(cosines(first.captions, variant.captions))"
  )
}

/// The names of the ten nearest pictures to every caption.
func nearest(_ queries: [[Float]], in variant: Variant) throws -> [[String]] {
  let nameOf = Dictionary(uniqueKeysWithValues: variant.pictures.map { ($1.id, $0) })
  return try variant.store.read { snapshot in
    try queries.map { try snapshot.nearestPictures(to: $0, count: 10).map { nameOf[$0.id]! } }
  }
}

let reference = try nearest(first.captions, in: first)
for variant in variants {
  for query in variants {
    let found = try nearest(query.captions, in: variant)
    func recall(_ k: Int) -> Double {
      let hits = zip(lines, found).count { line, names in names.prefix(k).contains(line[0]) }
      return 100 * Double(hits) / Double(lines.count)
    }
    let same = zip(reference, found).reduce(0) { $0 + Set($1.0).intersection($1.1).count }
    print(
      String(
        format: "index %@, query %@: R@1 %.2f R@5 %.2f R@10 %.2f, top 10 the same %.2f %%",
        variant.precision.rawValue, query.precision.rawValue, recall(1), recall(5), recall(10),
        10 * Double(same) / Double(lines.count)))
  }
}
