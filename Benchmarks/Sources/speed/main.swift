// blip as a contestant of `make bench-peers`: runs the same workloads as the peers, with the
// protocol of peers/contestant.py.
//
//   speed FOLDER fp32|bf16|int8 THREADS
import BLIP
import BenchmarkSupport

guard CommandLine.arguments.count == 4,
  let precision = Precision(rawValue: CommandLine.arguments[2]),
  let threads = Int(CommandLine.arguments[3]), threads > 0
else { throw BenchmarkError("usage: speed FOLDER fp32|bf16|int8 THREADS") }
let inputs = try Inputs(folder: CommandLine.arguments[1])
var workload: Workload?

try answerRequests { name in
  workload = nil
  let loaded = try Workload(name, inputs: inputs, precision: precision, threads: threads)
  workload = loaded
  return loaded.count
} run: {
  guard let workload else { throw BenchmarkError("no workload is loaded") }
  return try workload.run()
}
