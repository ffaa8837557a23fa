import Foundation

/// Answers requests as a contestant of the comparisons does, until its input ends. One line in, one
/// line out, as peers/contestant.py says it; the program sleeps in between.
/// - Parameters:
///   - load: Loads the work of a name, and gives how many pictures, candidates or pairs it is of.
///   - run: Does it once, and gives its outputs.
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
