import BenchmarkSupport
import Foundation

/// What some work took.
struct Cost: Codable {
  /// Seconds on the wall's clock, and of processor.
  let wall: Double
  let processor: Double

  static func of(_ work: () throws -> Void) rethrows -> Cost {
    let before = processorTime()
    let wall = try seconds(work)
    return Cost(wall: wall, processor: processorTime() - before)
  }

  func json(_ others: [String: Int] = [:]) -> String {
    let rest = others.sorted { $0.key < $1.key }.map { ", \"\($0.key)\": \($0.value)" }.joined()
    return "{\"wall\": \(wall), \"processor\": \(processor)\(rest)}"
  }
}

private func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Most bytes of memory that this process has had.
func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss * 1024
}
