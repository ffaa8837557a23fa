import Files
import Glibc
import Tensors

/// What a process needs at least, checked before it begins: without a thread or memory the libraries that it
/// uses would try again for ever, or end the process.
enum ProcessLimits {
  /// The runtime, the standard streams, an index and its locks, and for each core a picture, a decoding process
  /// and its socket.
  private static let descriptors = 12 + 4 * processors
  /// Those that compute, those that wait, and those of the runtime.
  private static let threads = 2 * processors + 4
  /// The program, its threads' stacks, and the smallest index.
  private static let addressSpace = 192 << 20
  private static let memory = 64 << 20

  /// Throws if this process may not have what every command needs.
  static func require() throws(CommandFailure) {
    if ResourceLimits.descriptors < descriptors {
      throw CommandFailure(
        "Too many open files: the limit of this process is \(ResourceLimits.descriptors), blip needs "
          + "\(descriptors); raise it (ulimit -n)")
    }
    guard ResourceLimits.hasAddressSpace(addressSpace) else {
      throw CommandFailure(
        "too little memory: blip needs at least \(addressSpace >> 20) MiB of address space more than it "
          + "has now; raise the limit (ulimit -v)")
    }
    if let limit = ResourceLimits.memory, limit < memory {
      throw CommandFailure(
        "too little memory: the control group (cgroup) of this process allows \(limit >> 20) MiB, blip "
          + "needs at least \(memory >> 20) MiB")
    }
    guard ResourceLimits.canStartThreads(threads) else {
      throw CommandFailure(
        "too few threads: blip needs \(threads), and the system does not start as many; raise the limit "
          + "(ulimit -u, or pids.max of the control group)")
    }
    if let limit = ResourceLimits.addressSpace { CrashReport.install(forAddressSpace: limit) }
  }
}
