// Measures searches during indexing: READERS processes, each with the index permanently open,
// search continuously while the built binary adds PICTURES pictures to it, and again afterwards.
// The same pictures are also indexed without readers, to measure what readers cost in time and file
// size.
//
//   swift run -c release --package-path Benchmarks load [READERS] [PICTURES]
import BenchmarkSupport
import Foundation

let arguments = CommandLine.arguments
if arguments.count == 4, arguments[1] == "reader" {
  try await read(arguments[2], until: arguments[3])
  exit(0)
}
let readers = arguments.count > 1 ? Int(arguments[1]) ?? 8 : 8
let pictures = arguments.count > 2 ? Int(arguments[2]) ?? 5000 : 5000
/// The number of pictures indexed beforehand, so that there are results to find.
let base = 100

func size(of index: String) throws -> Double {
  let attributes = try FileManager.default.attributesOfItem(atPath: index + "/data.mdb")
  return Double(attributes[.size] as? Int ?? 0) / 1_048_576
}

func rows(_ name: String, _ samples: Samples) -> [Row] {
  [("p50", 0.5), ("p99", 0.99)].map { percentile, fraction in
    Row(work: "\(name): \(percentile)", value: samples.percentile(fraction), unit: "ms")
  } + [Row(work: "\(name): searches", value: Double(samples.count), unit: "without errors")]
}

try withTemporaryFolder { folder in
  let collection = "\(folder)/pictures"
  try FileManager.default.createDirectory(atPath: collection, withIntermediateDirectories: true)
  func draw(_ numbers: Range<Int>) throws {
    for number in numbers {
      try Data(mosaic(number)).write(to: URL(fileURLWithPath: "\(collection)/\(number).jpg"))
    }
  }
  func index(_ name: String) throws -> Double {
    try seconds { try run(blip, ["index", collection, "--index", "\(folder)/\(name)"]) }
  }
  try draw(0..<base)
  for name in ["quiet", "busy"] { _ = try index(name) }
  try draw(base..<base + pictures)
  let quiet = try index("quiet")
  var busy = 0.0
  let during = try searches(of: "\(folder)/busy", by: readers) { busy = try index("busy") }
  let after = try searches(of: "\(folder)/busy", by: readers) { sleep(10) }
  try report(
    rows("\(readers) readers during indexing", during) + rows("\(readers) readers alone", after) + [
      Row(work: "indexing alone", value: Double(pictures) / quiet, unit: "pictures/s"),
      Row(
        work: "indexing with \(readers) readers", value: Double(pictures) / busy,
        unit: "pictures/s"),
      Row(work: "data.mdb, indexed alone", value: try size(of: "\(folder)/quiet"), unit: "MiB"),
      Row(
        work: "data.mdb, indexed with \(readers) readers", value: try size(of: "\(folder)/busy"),
        unit: "MiB"),
    ], title: "Load: \(pictures) pictures indexed, \(readers) readers",
    json: "\(checkout)/Benchmarks/load.bench.json")
}
