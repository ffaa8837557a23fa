import Foundation

/// Serves requests as a contestant of the comparisons until the end of its input, with the protocol
/// of peers/contestant.py; the program sleeps between requests.
/// - Parameters:
///   - load: Loads a workload by name; returns its number of pictures, candidates or pairs.
///   - run: Runs it once and returns its outputs.
public func answerRequests(
  load: (String) throws -> Int, run: () throws -> [Float]
) throws {
  var outputs: [Float] = []
  while let line = readLine() {
    let words = line.split(separator: " ", maxSplits: 1).map(String.init)
    switch words.first {
    case "about":
      print("about blip, \(machine())")
    case "load":
      print("ready \(try load(words[1]))")
    case "run":
      print("took \(try seconds { outputs = try run() })")
    case "save":
      try outputs.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: words[1]))
      print("saved")
    default:
      throw BenchmarkError("unknown request: \(line)")
    }
    fflush(nil)
  }
}
