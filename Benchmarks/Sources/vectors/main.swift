// blip's vector index as a contestant of `make bench-index`: does on request what the peers do. One
// line in, one line of JSON out, as vectors/peers.py says it; the program sleeps in between.
//
//   vectors exact|lists DATA CACHE
import BenchmarkSupport
import Foundation
import Tensors

guard CommandLine.arguments.count == 4 else {
  throw BenchmarkError("usage: vectors exact|lists DATA CACHE")
}
let data = try VectorData(folder: CommandLine.arguments[2])
var index: (any SearchedIndex)?
var threads = 1
let nearest = 10
let (kind, queries) = (CommandLine.arguments[1], try data.rows("queries.f32"))

@MainActor func opened() throws -> any SearchedIndex {
  guard let index else { throw BenchmarkError("nothing is open") }
  return index
}

/// The first `count` queries' ids, as many as were found.
@MainActor func search(_ way: Substring, _ count: Int) throws -> [[UInt64]] {
  let index = try opened()
  if way == "batch" {
    return try index.search(Array(queries.prefix(count)), count: nearest, threads: threads)
  }
  return try queries.prefix(count).map { try index.search($0, count: nearest) }
}

while let line = readLine() {
  let words = line.split(separator: " ", maxSplits: 1)
  let rest = words.count > 1 ? words[1] : ""
  switch words.first {
  case "open":
    let cost = try Cost.of {
      switch kind {
      case "exact": index = try ExactIndex(data)
      case "lists": index = try ListIndex(data)
      default: throw BenchmarkError("no index is called \(kind)")
      }
    }
    print(cost.json(["bytes": try opened().bytes, "peak": peakMemory()]))
  case "settings": print(try opened().settings)
  case "overhead": print(0)
  case "threads":
    threads = Int(rest) ?? 1
    setComputeThreads(threads)
    print("{}")
  case "set":
    try index?.set(String(rest))
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
  case "update":
    let (added, removed) = (try data.rows("added.f32"), try data.ids("removed.i64"))
    let ids = added.indices.map { UInt64(data.count + $0) }
    let add = try Cost.of { try index?.add(ids, added) }
    let remove = try Cost.of { try index?.remove(removed) }
    print("{\"add\": \(add.json()), \"remove\": \(remove.json())}")
  case "peak": print(peakMemory())
  default: throw BenchmarkError("unknown request: \(line)")
  }
  fflush(nil)
}
