import Glibc
import TestSupport

/// A file system in memory that is soon full, seen by the programs alone that its launcher starts.
final class SmallDisk {
  /// Where it is.
  let path: String
  private let holder: BlipProcess

  /// Whether this process may mount one.
  static let isPossible =
    ["/usr/bin/unshare", "/usr/bin/nsenter", "/bin/sh"].allSatisfy(Checkout.has)
    && shell("mount -t tmpfs none /mnt", launcher: ["unshare", "-m"]).status == 0

  init(kibibytes: Int) {
    let folder = TemporaryFolder()
    path = folder.path
    // The mount lives as long as a process that sees it, which says when it is there.
    let script = "mount -t tmpfs -o size=\(kibibytes)k none \(path) && exec sleep 1000"
    holder = BlipProcess([], launcher: ["unshare", "-m", "/bin/sh", "-c", script])
    while readText("/proc/\(holder.id)/comm") != "sleep\n" { usleep(1000) }
  }

  deinit {
    kill(holder.id, SIGKILL)
    _ = holder.outcome()
  }

  /// Starts a program that sees the disk.
  var launcher: [String] { ["nsenter", "--mount", "--target", "\(holder.id)"] }

  func resize(kibibytes: Int) {
    let outcome = Self.shell(
      "mount -o remount,size=\(kibibytes)k \(path)", launcher: launcher)
    precondition(outcome.status == 0, outcome.errors)
  }

  private static func shell(_ script: String, launcher: [String]) -> Outcome {
    BlipProcess([], launcher: launcher + ["/bin/sh", "-c", script]).outcome()
  }

  private func readText(_ path: String) -> String {
    String(decoding: readBytes(path), as: UTF8.self)
  }
}
