import Foundation
import Glibc

/// An error of a benchmark.
public struct BenchmarkError: Error, CustomStringConvertible {
  /// What went wrong.
  public let description: String

  /// An error with its description.
  public init(_ description: String) { self.description = description }
}

/// The release binary of this checkout.
public let blip = "\(checkout)/.build/release/blip"

/// The checkout that contains this package.
public let checkout = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

/// Runs a program and returns its standard output. If it fails, the error includes its standard
/// error.
///
/// Uses posix_spawn, because Foundation's `Process` adds about 50 ms to every run.
@discardableResult
public func run(_ program: String, _ arguments: [String]) throws -> String {
  try run(program, arguments) { child in
    var status: Int32 = 0
    return waitpid(child, &status, 0) == child ? status : -1
  }
}

/// The peak memory use of a program, in bytes.
public struct PeakMemory: Sendable {
  /// Including pages of mapped files, which the system shares and can reclaim.
  public var resident = 0
  /// Only private memory, sampled every millisecond.
  public var own = 0

  /// No memory measured yet.
  public init() {}
}

/// As `run`, also returning the program's peak memory.
public func measuredRun(_ program: String, _ arguments: [String]) throws -> (
  output: String, memory: PeakMemory
) {
  var memory = PeakMemory()
  let output = try run(program, arguments) { child in
    var status: Int32 = 0
    var usage = rusage()
    while true {
      let ended = wait4(child, &status, WNOHANG, &usage)
      guard ended == 0 else {
        memory.resident = usage.ru_maxrss << 10
        return ended == child ? status : -1
      }
      let pages = (try? String(contentsOfFile: "/proc/\(child)/statm", encoding: .utf8))?
        .split(separator: " ").compactMap { Int($0) }
      if let pages, pages.count > 2 {
        memory.own = max(memory.own, (pages[1] - pages[2]) * Int(getpagesize()))
      }
      usleep(1000)
    }
  }
  return (output, memory)
}

/// Runs a program; `end` waits for the process and returns its status.
private func run(_ program: String, _ arguments: [String], end: (pid_t) -> Int32) throws -> String {
  try withTemporaryFolder { folder in
    let (out, errors) = ("\(folder)/stdout", "\(folder)/stderr")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (descriptor, path) in [(STDOUT_FILENO, out), (STDERR_FILENO, errors)] {
      posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT, 0o600)
    }
    let words = ([program] + arguments).map { strdup($0) }
    defer { words.forEach { free($0) } }
    var child: pid_t = 0
    guard posix_spawn(&child, program, &actions, nil, words + [nil], environ) == 0 else {
      throw BenchmarkError("\(program) could not be started; build it first")
    }
    guard end(child) == 0 else {
      let message = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
      throw BenchmarkError("\(program) \(arguments.joined(separator: " ")) failed:\n\(message)")
    }
    return try String(contentsOfFile: out, encoding: .utf8)
  }
}

/// Creates a temporary folder that is removed when `body` returns.
public func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "blip-benchmark-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}
