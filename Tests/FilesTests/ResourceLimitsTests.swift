import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Files

@Suite("What the system lets a process have") struct ResourceLimitsTests {
  @Test("The least limit of all control groups holds, of version 2 and of version 1")
  func memory() {
    func limit(_ groups: String, _ files: [String: String]) -> Int? {
      ResourceLimits.memoryLimit(groups: groups) { files[$0] ?? "" }
    }
    let two = "0::/user.slice/run-7.scope\n"
    #expect(limit(two, [:]) == nil)
    #expect(
      limit(two, ["/sys/fs/cgroup/user.slice/run-7.scope/memory.max": "104857600\n"])
        == 104_857_600)
    #expect(
      limit(
        two,
        [
          "/sys/fs/cgroup/user.slice/run-7.scope/memory.max": "max\n",
          "/sys/fs/cgroup/user.slice/memory.max": "5000\n", "/sys/fs/cgroup/memory.max": "9000\n",
        ]) == 5000)
    // In a container the group's own folder is mounted.
    #expect(limit("0::/\n", ["/sys/fs/cgroup/memory.max": "9000\n"]) == 9000)
    let one = "3:cpu,cpuacct:/a\n4:memory:/docker/x\n0::/\n"
    #expect(limit(one, ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "77\n"]) == 77)
    #expect(
      limit(one, ["/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"]) == nil)
    #expect(limit("nonsense\n4:memory", [:]) == nil)
  }

  @Test("Address space and threads are there")
  func available() {
    #expect(ResourceLimits.hasAddressSpace(1 << 20))
    #expect(ResourceLimits.canStartThreads(2))
    #expect(ResourceLimits.descriptors > 8)
  }

  @Test("A file that changes while it is read is an error, or is read as it was at one time")
  func changing() throws {
    let path = TemporaryFolder().write("a", [UInt8](repeating: 1, count: 1 << 20))
    let quiet = try FileSystem.readUnchanging(Array(path.utf8), limit: 1 << 21)
    #expect(quiet.bytes.count == 1 << 20 && quiet.status.size == 1 << 20)
    let writer = AppendingProcess(path)
    defer { writer.stop() }
    #expect(throws: FileError.changing) {
      for _ in 0..<20 { _ = try FileSystem.readUnchanging(Array(path.utf8), limit: 1 << 28) }
    }
  }
}

/// Appends to a file without a pause.
private final class AppendingProcess: Sendable {
  private let process: pid_t

  init(_ path: String) {
    var id: pid_t = 0
    let script = "while :; do printf x >> '\(path)'; done"
    let command: [String] = ["/bin/sh", "-c", script]
    let arguments = command.map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    precondition(posix_spawn(&id, "/bin/sh", nil, nil, arguments + [nil], environ) == 0)
    process = id
    usleep(100_000)
  }

  func stop() {
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }
}
