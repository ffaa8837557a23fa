import Foundation
import Glibc

/// A benchmark's own failure.
public struct BenchmarkError: Error, CustomStringConvertible {
  /// What went wrong.
  public let description: String

  /// A failure with its reason.
  public init(_ description: String) { self.description = description }
}

/// The release binary of this checkout.
public let blip = "\(checkout)/.build/release/blip"

/// The checkout that this package lies in.
public let checkout = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

/// Runs a program to its end; returns what it printed on stdout. Its stderr is shown if it fails.
@discardableResult
public func run(_ program: String, _ arguments: [String]) throws -> String {
  try measuredRun(program, arguments).output
}

/// As `run`, with the most memory that the program had at once, in bytes.
///
/// By posix_spawn and wait4: Foundation's `Process` adds some 50 ms of its own to every run.
public func measuredRun(_ program: String, _ arguments: [String]) throws -> (
  output: String, peakMemory: Int
) {
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
    var status: Int32 = 0
    var usage = rusage()
    guard posix_spawn(&child, program, &actions, nil, words + [nil], environ) == 0,
      wait4(child, &status, 0, &usage) == child
    else { throw BenchmarkError("\(program) could not be started: build it first") }
    guard status == 0 else {
      let said = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
      throw BenchmarkError("\(program) \(arguments.joined(separator: " ")) failed:\n\(said)")
    }
    return (try String(contentsOfFile: out, encoding: .utf8), usage.ru_maxrss << 10)
  }
}

/// A folder for this run that is gone when `body` ends.
public func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
    "blip-benchmark-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}
