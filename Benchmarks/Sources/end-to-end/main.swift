// What a user waits for: indexing a real collection, a run without changes, and a search in a new
// process. Runs the built binary; medians of five.
//
//   swift run -c release --package-path Benchmarks end-to-end [COLLECTION]
import BenchmarkSupport
import Foundation

let collection =
  CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "/usr/share/tuxpaint/stamps"
let runs = 5

struct Entry: Decodable { let pictures: Int }

try withTemporaryFolder { folder in
  let index = "\(folder)/index"
  var indexing: [Double] = []
  var again: [Double] = []
  var search: [Double] = []
  var pictures = 0
  for round in 0..<runs {
    try? FileManager.default.removeItem(atPath: index)
    let arguments = ["index", collection, "--index", index]
    let elapsed = try seconds { try run(blip, arguments) }
    again.append(try seconds { try run(blip, arguments) } * 1000)
    let information = try run(blip, ["info", "--index", index, "--json"])
    pictures = try JSONDecoder().decode(Entry.self, from: Data(information.utf8)).pictures
    indexing.append(Double(pictures) / elapsed)
    let query = ["a butterfly", "a red car", "fruit", "a dog", "a musical instrument"][round]
    search.append(
      try seconds { try run(blip, ["search", query, "--index", index, "--rerank", "0"]) } * 1000)
  }
  try report(
    [
      Row(
        work: "index \(pictures) pictures, default model", samples: Samples(indexing),
        unit: "pictures/s", target: "≥ 40"),
      Row(work: "index again, no changes", samples: Samples(again), unit: "ms"),
      Row(
        work: "search, new process, cached disk, no reranking", samples: Samples(search),
        unit: "ms",
        target: "< 300"),
    ], title: "End to end: \(collection)", json: "\(checkout)/Benchmarks/end-to-end.bench.json")
}
