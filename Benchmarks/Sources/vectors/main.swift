// blip's vector index as a contestant of `make bench-index`: does on request what the peers do. One
// line in, one line of JSON out, as vectors/peers.py says it; the program sleeps in between.
//
//   vectors stored|memory exact|lists DATA CACHE
//
// stored is the index that ships, a directory in CACHE that is opened as a snapshot by every search; memory
// is the same algorithm without a disk. exact has all vectors in one list, lists divides them.
import BenchmarkSupport
import Foundation
import Tensors
import VectorIndex

guard CommandLine.arguments.count == 5 else {
  throw BenchmarkError("usage: vectors stored|memory exact|lists DATA CACHE")
}
let data = try VectorData(folder: CommandLine.arguments[3])
let (storage, kind) = (CommandLine.arguments[1], CommandLine.arguments[2])
/// All vectors in one list, or lists however few vectors there are.
let indexing = VectorIndexOptions(listsFrom: kind == "exact" ? .max : 1)
let nearest = 10
let queries = try data.rows("queries.f32")
var index: (any SearchedIndex)?
var setting = VectorSearchOptions(count: nearest, isExact: true)

@MainActor func opened() throws -> any SearchedIndex {
  guard let index else { throw BenchmarkError("nothing is open") }
  return index
}

/// The first `count` queries' ids, as many as were found.
@MainActor func search(_ way: Substring, _ count: Int) throws -> [[UInt64]] {
  let index = try opened()
  if way == "batch" { return try index.search(Array(queries.prefix(count)), setting) }
  return try queries.prefix(count).map { try index.search($0, setting) }
}

@MainActor func open() throws -> Cost {
  switch storage {
  case "stored":
    let stored = try StoredIndex(data, cache: CommandLine.arguments[4], kind: kind, indexing)
    index = stored
    return stored.building
  case "memory": return try Cost.of { index = try MemoryIndex(data, indexing) }
  default: throw BenchmarkError("no index is called \(storage)")
  }
}

/// Adds and removes what the data say.
@MainActor func update() throws -> String {
  if var stored = index as? StoredIndex {
    try stored.copy()
    index = stored
  }
  let (added, removed) = (try data.rows("added.f32"), try data.ids("removed.i64"))
  let ids = added.indices.map { UInt64(data.count + $0) }
  let add = try Cost.of { try index?.add(ids, added) }
  let remove = try Cost.of { try index?.remove(removed) }
  return "{\"add\": \(add.json()), \"remove\": \(remove.json())}"
}

while let line = readLine() {
  let words = line.split(separator: " ", maxSplits: 1)
  let rest = words.count > 1 ? words[1] : ""
  switch words.first {
  case "open":
    let building = try open()
    print(building.json(["bytes": try opened().bytes, "peak": peakMemory()]))
  case "settings": print(kind == "exact" ? ["0 exact"] : try opened().settings)
  case "machine": print("{\"kernels\": \"\(machine())\"}")
  case "overhead": print(0)
  case "threads":
    setComputeThreads(Int(rest) ?? 1)
    print("{}")
  case "set":
    setting = try options(of: String(rest), count: nearest)
    print("{}")
  case "search":
    let arguments = rest.split(separator: " ", maxSplits: 2)
    guard arguments.count == 3, let count = Int(arguments[1]) else {
      throw BenchmarkError("search single|batch COUNT FILE")
    }
    var found: [[UInt64]] = []
    let cost = try Cost.of { found = try search(arguments[0], count) }
    let ids = found.flatMap { $0 + repeatElement(.max, count: nearest - $0.count) }
    try ids.withUnsafeBytes { Data($0) }
      .write(to: URL(fileURLWithPath: String(arguments[2])))
    print(cost.json())
  case "update": print(try update())
  case "peak": print(peakMemory())
  default: throw BenchmarkError("unknown request: \(line)")
  }
  fflush(nil)
}
