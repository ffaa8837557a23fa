// blip as a contestant of `make bench-peers`: does on request what the peers do. One line in, one
// line out, as peers/contestant.py says it; the program sleeps in between.
//
//   speed FOLDER fp32|bf16|int8 THREADS
import BLIP
import BenchmarkSupport
import Foundation

guard CommandLine.arguments.count == 4,
  let precision = Precision(rawValue: CommandLine.arguments[2]),
  let threads = Int(CommandLine.arguments[3]), threads > 0
else { throw BenchmarkError("usage: speed FOLDER fp32|bf16|int8 THREADS") }
let inputs = try Inputs(folder: CommandLine.arguments[1])
var work: Work?
var outputs: [Float] = []

while let line = readLine() {
  let words = line.split(separator: " ", maxSplits: 1).map(String.init)
  switch words.first {
  case "about":
    print("about blip, its own kernels and OpenBLAS")
  case "load":
    work = nil
    work = try Work(words[1], inputs: inputs, precision: precision, threads: threads)
    print("ready \(work?.count ?? 0)")
  case "run":
    guard let work else { throw BenchmarkError("nothing is loaded") }
    print("took \(try seconds { outputs = try work.run() })")
  case "save":
    try outputs.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: words[1]))
    print("saved")
  default:
    throw BenchmarkError("unknown request: \(line)")
  }
  fflush(nil)
}
