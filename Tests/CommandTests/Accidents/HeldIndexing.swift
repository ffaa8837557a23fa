import FoundationEssentials
import Glibc
import TestSupport

/// `blip index`, held at its first words: its standard error is a pipe that is full, so that it
/// waits, the pictures found and none read, until its outcome is asked for.
struct HeldIndexing {
  let process: BlipProcess
  private let reader: Int32

  /// Returns when the program waits.
  init(of collection: Collection) {
    let pipe = collection.folder.path + "/errors-\(UInt32.random(in: 0...UInt32.max))"
    precondition(mkfifo(pipe, 0o600) == 0)
    reader = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    let writer = open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    precondition(reader >= 0 && writer >= 0)
    // Down to the last byte: the kernel takes a short write where a long one does not fit.
    for size in [4096, 1] {
      let filling = [UInt8](repeating: UInt8(ascii: "."), count: size)
      while write(writer, filling, size) > 0 {}
    }
    process = BlipProcess(
      ["index", collection.pictures, "--index", collection.index], standardError: pipe)
    close(writer)
    waitUntilAsleep()
  }

  /// Sends a signal; returns when the program has taken it.
  func send(_ signal: Int32) {
    kill(process.id, signal)
    let pending = "ShdPnd:\t0000000000000000"
    while !String(decoding: readBytes("/proc/\(process.id)/status"), as: UTF8.self)
      .contains(pending)
    { usleep(5000) }
    usleep(20_000)
  }

  /// Lets it go on, and waits for its end.
  func outcome() -> Outcome {
    _ = fcntl(reader, F_SETFL, 0)
    defer { close(reader) }
    var errors: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(reader, &buffer, buffer.count)
      guard count > 0 else { break }
      errors += buffer[..<count]
    }
    let text = String(decoding: errors.drop { $0 == UInt8(ascii: ".") }, as: UTF8.self)
    let end = process.outcome()
    return Outcome(status: end.status, output: end.output, errors: text)
  }

  /// Waits until every thread of the program has slept for a fifth of a second. One that computes
  /// is "R", one that waits for the disk "D", also where other programs keep the processors busy.
  private func waitUntilAsleep() {
    var quiet = 0
    while quiet < 20 {
      usleep(10_000)
      let tasks = "/proc/\(process.id)/task"
      let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
      let states = threads.map { thread in
        String(decoding: readBytes("\(tasks)/\(thread)/stat"), as: UTF8.self)
          .split(separator: ") ").last?.first
      }
      quiet = states.allSatisfy { $0 == "S" } ? quiet + 1 : 0
    }
  }
}
