// What it does to search that embeddings are computed in another precision:
//
//     precision MODEL CAPTIONS INDEX…
//
// INDEX… are indexes of one collection, made by `blip index --precision …`; CAPTIONS is their captions
// file as lines of TSV, "image<TAB>caption" behind a header. For every pair of an index's precision
// and a query's it prints recall of the captions' own pictures, and how many of the ten nearest are
// those of fp32 asking fp32; before that, the cosines of the same inputs between precisions.

import BLIP
import Checkpoints
import Foundation
import Retrieval
import Tensors

let arguments = CommandLine.arguments
guard arguments.count > 3 else { fatalError("precision MODEL CAPTIONS INDEX…") }
let lines = try String(contentsOfFile: arguments[2], encoding: .utf8).split(separator: "\n")
  .dropFirst().map { $0.split(separator: "\t", maxSplits: 1).map(String.init) }

struct Side {
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
let sides = try arguments[3...].map { path in
  let store = try IndexStore.open(path)
  let precision = try store.read { try $0.metadata().precision }
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
  return Side(precision: precision, store: store, pictures: pictures, captions: captions)
}

let first = sides[0]
let names = first.pictures.keys.sorted()
for side in sides.dropFirst() {
  let pictures = cosines(
    names.map { first.pictures[$0]!.embedding }, names.map { side.pictures[$0]!.embedding })
  print("\(side.precision) and \(first.precision): pictures \(pictures)")
  print("\(side.precision) and \(first.precision): texts \(cosines(first.captions, side.captions))")
}

/// The names of the ten nearest pictures for every caption.
func nearest(_ queries: [[Float]], in side: Side) throws -> [[String]] {
  let nameOf = Dictionary(uniqueKeysWithValues: side.pictures.map { ($1.id, $0) })
  return try side.store.read { snapshot in
    try queries.map { try snapshot.nearestPictures(to: $0, count: 10).map { nameOf[$0.id]! } }
  }
}

let reference = try nearest(first.captions, in: first)
for side in sides {
  for asking in sides {
    let found = try nearest(asking.captions, in: side)
    func recall(_ k: Int) -> Double {
      let hits = zip(lines, found).count { line, names in names.prefix(k).contains(line[0]) }
      return 100 * Double(hits) / Double(lines.count)
    }
    let same = zip(reference, found).reduce(0) { $0 + Set($1.0).intersection($1.1).count }
    print(
      String(
        format: "index %@, query %@: R@1 %.2f R@5 %.2f R@10 %.2f, top 10 the same %.2f %%",
        side.precision.rawValue, asking.precision.rawValue, recall(1), recall(5), recall(10),
        10 * Double(same) / Double(lines.count)))
  }
}
