// A run of `blip index` that finds nothing to do, on a large collection of small generated JPEGs: its
// time without that of walking through the folders and asking for every file's status, and its memory
// beside that of a tenth of the collection. A few hundred pictures are drawn and then linked under
// other names: to blip they are files like others, of which it knows the content.
//
//   swift run -c release --package-path Benchmarks idle-run [PICTURES]
import BenchmarkSupport
import Foundation

let pictures = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 100_000 : 100_000
let drawn = 256
let filesAFolder = 1000
let runs = 5
let mebibyte = 1_048_576.0

try withTemporaryFolder { folder in
  let collection = "\(folder)/pictures"
  let arguments = ["index", collection, "--index", "\(folder)/index", "--features", "none"]
  func makeFiles(_ numbers: Range<Int>) throws {
    for number in numbers {
      let place = "\(collection)/\(number / filesAFolder)"
      if number % filesAFolder == 0 {
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      }
      let file = "\(place)/\(number).jpg"
      if number < drawn {
        try Data(mosaic(number)).write(to: URL(fileURLWithPath: file))
      } else {
        try FileManager.default.linkItem(
          atPath: "\(collection)/0/\(number % drawn).jpg", toPath: file)
      }
    }
  }
  func idleRuns() throws -> (time: Samples, memory: PeakMemory) {
    let first = try measuredRun(blip, arguments)
    guard first.output.contains("added      0") else { throw BenchmarkError("not idle") }
    return (
      Samples(try (0..<runs).map { _ in try seconds { try run(blip, arguments) } }), first.memory
    )
  }
  func rows(_ work: String, _ whole: PeakMemory, _ tenth: PeakMemory) -> [Row] {
    [("memory of its own", \PeakMemory.own), ("memory, with the map's pages", \.resident)].flatMap {
      [
        Row(work: "\(work): \($0)", value: Double(whole[keyPath: $1]) / mebibyte, unit: "MiB"),
        Row(
          work: "the same, a tenth of the pictures", value: Double(tenth[keyPath: $1]) / mebibyte,
          unit: "MiB"),
      ]
    }
  }

  try makeFiles(0..<drawn)
  try run(blip, arguments)
  try makeFiles(drawn..<pictures / 10)
  let indexingTenth = try measuredRun(blip, arguments).memory
  let tenth = try idleRuns()
  try makeFiles(pictures / 10..<pictures)
  var indexing = PeakMemory()
  let spent = try seconds { indexing = try measuredRun(blip, arguments).memory }
  let whole = try idleRuns()
  // GNU find asks for the status of every file that it is to know the size of.
  let walk = Samples(
    try (0..<runs).map { _ in
      try seconds { try run("/usr/bin/find", [collection, "-type", "f", "-size", "-1c"]) }
    })
  try report(
    [
      Row(
        work: "index \(pictures - pictures / 10) pictures of known content", value: spent, unit: "s"
      ),
      Row(work: "a run with nothing to do", samples: whole.time, unit: "s"),
      Row(work: "the walk alone, by find", samples: walk, unit: "s"),
      Row(
        work: "a run with nothing to do, without the walk",
        value: whole.time.median - walk.median, unit: "s", target: "≤ 2"),
    ] + rows("a run with nothing to do", whole.memory, tenth.memory)
      + rows("indexing", indexing, indexingTenth),
    title: "A run that finds nothing to do: \(pictures) pictures",
    json: "\(checkout)/Benchmarks/idle-run.bench.json")
}
