// Recall of text → image and image → text on a captioned set, by ITC and after reranking, by BLIP's
// protocol (BLIP.md, "Retrieval evaluation"): candidates beyond the depth do not count. The index is
// made by the built binary; queries run through the same Searcher as the binary's verbs, and a sample
// of them through the binary itself, which has to give the same hits.
//
//   swift run -c release --package-path Benchmarks recall [CAPTIONS.json] [DEPTH]
import BenchmarkSupport
import Foundation
import Retrieval

struct Captioned: Decodable {
  let image: String
  let caption: [String]
}

struct Recall {
  var found = [0, 0, 0]
  var queries = 0

  mutating func add(rank: Int?) {
    queries += 1
    for (slot, depth) in [1, 5, 10].enumerated() where rank.map({ $0 < depth }) ?? false {
      found[slot] += 1
    }
  }

  func rows(_ name: String) -> [Row] {
    zip([1, 5, 10], found).map { depth, count in
      Row(work: "\(name) R@\(depth)", value: 100 * Double(count) / Double(queries), unit: "%")
    }
  }
}

let captions =
  CommandLine.arguments.count > 1
  ? CommandLine.arguments[1] : "\(checkout)/../shared/data/flickr8k-dev/captions.json"
let rerankDepth = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2]) ?? 16 : 16
let root = (captions as NSString).deletingLastPathComponent
let set = try JSONDecoder().decode(
  [Captioned].self, from: Data(contentsOf: URL(fileURLWithPath: captions)))

try withTemporaryFolder { folder in
  let index = "\(folder)/index"
  try run(
    blip, ["index", root, "--captions", captions, "--features", "bf16", "--index", index])
  let searcher = try Searcher(index: index, modelPath: nil)
  var rows: [Row] = []
  for depth in [0, rerankDepth] {
    var textToImage = Recall()
    var imageToText = Recall()
    for entry in set {
      for caption in entry.caption {
        let hits = try searcher.search(
          text: caption, count: 10, rerankDepth: depth, minimumMatch: nil)
        textToImage.add(rank: hits.firstIndex { $0.path == entry.image })
      }
      let hits = try searcher.match(
        pictureAt: "\(root)/\(entry.image)", count: 10, rerankDepth: depth, minimumMatch: nil)
      imageToText.add(rank: hits.firstIndex { $0.path == entry.image })
    }
    let by = depth == 0 ? "ITC" : "ITM on the best \(depth)"
    rows += textToImage.rows("text → image, \(by),") + imageToText.rows("image → text, \(by),")
  }
  for entry in set.prefix(20) {
    let printed = try run(
      blip, ["search", entry.caption[0], "--index", index, "--rerank", "\(rerankDepth)", "--paths"])
    let hits = try searcher.search(
      text: entry.caption[0], count: 10, rerankDepth: rerankDepth, minimumMatch: nil)
    guard printed.split(separator: "\n").map(String.init) == hits.map(\.location) else {
      throw BenchmarkError("the binary and the Searcher differ on: \(entry.caption[0])")
    }
  }
  try report(
    rows, title: "Recall on \(captions)", json: "\(checkout)/Benchmarks/recall.bench.json")
}
