import Dispatch
import Glibc
import Synchronization
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
    let isDone = Atomic(false)
    let writer = open(path, O_WRONLY | O_APPEND)
    defer { close(writer) }
    DispatchQueue.concurrentPerform(iterations: 2) { index in
      if index == 0 {
        while !isDone.load(ordering: .relaxed) { write(writer, "x", 1) }
      } else {
        defer { isDone.store(true, ordering: .relaxed) }
        // Until the other thread runs too; then no read of a megabyte is without a change.
        #expect(throws: FileError.changing) {
          for _ in 0..<5000 { _ = try FileSystem.readUnchanging(Array(path.utf8), limit: 1 << 30) }
        }
      }
    }
  }
}
