// A run of `blip index` without changes, on a large collection of small generated JPEGs: its time
// minus that of traversing the folders and reading every file's status, and its memory compared
// with a tenth of the collection. A few hundred pictures are generated and then linked under other
// names: to blip they are separate files with known contents.
//
//   swift run -c release --package-path Benchmarks idle-run [PICTURES]
import BenchmarkSupport
import Foundation

let pictures = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 100_000 : 100_000
let generated = 256
let filesPerFolder = 1000
let runs = 5
let mebibyte = 1_048_576.0

try withTemporaryFolder { folder in
  let collection = "\(folder)/pictures"
  let arguments = ["index", collection, "--index", "\(folder)/index", "--features", "none"]
  func makeFiles(_ numbers: Range<Int>) throws {
    for number in numbers {
      let place = "\(collection)/\(number / filesPerFolder)"
      if number % filesPerFolder == 0 {
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      }
      let file = "\(place)/\(number).jpg"
      if number < generated {
        try Data(mosaic(number)).write(to: URL(fileURLWithPath: file))
      } else {
        try FileManager.default.linkItem(
          atPath: "\(collection)/0/\(number % generated).jpg", toPath: file)
      }
    }
  }
  func idleRuns() throws -> (time: Samples, memory: PeakMemory) {
    let first = try measuredRun(blip, arguments)
    guard first.output.contains("added      0") else {
      throw BenchmarkError("the run found changes")
    }
    return (
      Samples(try (0..<runs).map { _ in try seconds { try run(blip, arguments) } }), first.memory
    )
  }
  func rows(_ work: String, _ full: PeakMemory, _ tenth: PeakMemory) -> [Row] {
    [("private memory", \PeakMemory.own), ("memory with mapped pages", \.resident)].flatMap {
      [
        Row(work: "\(work): \($0)", value: Double(full[keyPath: $1]) / mebibyte, unit: "MiB"),
        Row(
          work: "the same, for a tenth of the pictures",
          value: Double(tenth[keyPath: $1]) / mebibyte,
          unit: "MiB"),
      ]
    }
  }

  try makeFiles(0..<generated)
  try run(blip, arguments)
  try makeFiles(generated..<pictures / 10)
  let indexingTenth = try measuredRun(blip, arguments).memory
  let tenth = try idleRuns()
  try makeFiles(pictures / 10..<pictures)
  var indexing = PeakMemory()
  let elapsed = try seconds { indexing = try measuredRun(blip, arguments).memory }
  let full = try idleRuns()
  // GNU find reads the status of every file to know its size.
  let walk = Samples(
    try (0..<runs).map { _ in
      try seconds { try run("/usr/bin/find", [collection, "-type", "f", "-size", "-1c"]) }
    })
  try report(
    [
      Row(
        work: "index \(pictures - pictures / 10) pictures of known content", value: elapsed,
        unit: "s"
      ),
      Row(work: "a run without changes", samples: full.time, unit: "s"),
      Row(work: "only the traversal, by find", samples: walk, unit: "s"),
      Row(
        work: "a run without changes, minus the traversal",
        value: full.time.median - walk.median, unit: "s", target: "≤ 2"),
    ] + rows("a run without changes", full.memory, tenth.memory)
      + rows("indexing", indexing, indexingTenth),
    title: "A run without changes: \(pictures) pictures",
    json: "\(checkout)/Benchmarks/idle-run.bench.json")
}
