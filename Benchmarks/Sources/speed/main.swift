// blip as a contestant of `make bench-peers`: does on request what the peers do. One line in, one
// line out, as peers/contestant.py says it; the program sleeps in between.
//
//   speed FOLDER fp32|bf16|int8 THREADS
import BLIP
import BenchmarkSupport

guard CommandLine.arguments.count == 4,
  let precision = Precision(rawValue: CommandLine.arguments[2]),
  let threads = Int(CommandLine.arguments[3]), threads > 0
else { throw BenchmarkError("usage: speed FOLDER fp32|bf16|int8 THREADS") }
let inputs = try Inputs(folder: CommandLine.arguments[1])
var work: Work?

try answerRequests { name in
  work = nil
  let loaded = try Work(name, inputs: inputs, precision: precision, threads: threads)
  work = loaded
  return loaded.count
} run: {
  guard let work else { throw BenchmarkError("nothing is loaded") }
  return try work.run()
}
