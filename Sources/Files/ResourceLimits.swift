import Glibc

/// What the system lets this process have. A job that needs more is refused before it begins: the libraries
/// below try again for ever, or end the process, where they do not get a thread or memory.
package enum ResourceLimits {
  /// Whether so many bytes of address space (`ulimit -v`) are left.
  package static func hasAddressSpace(_ bytes: Int) -> Bool {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let map = mmap(nil, bytes, PROT_NONE, flags, -1, 0), map != MAP_FAILED else {
      return false
    }
    munmap(map, bytes)
    return true
  }

  /// The most address space that this process may have, in bytes; nil if there is no limit.
  package static var addressSpace: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur <= rlim_t(Int.max)
    else { return nil }
    return Int(limit.rlim_cur)
  }

  /// Descriptors that may be open at the same time.
  package static var descriptors: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    return Int(clamping: limit.rlim_cur)
  }

  /// Lets this process open as many files as the system allows it; returns how many that are.
  package static func raiseOpenFiles() -> Int {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(resource, &limit) == 0 else { return 1024 }
    var raised = limit
    raised.rlim_cur = raised.rlim_max
    if setrlimit(resource, &raised) == 0 { limit = raised }
    return Int(clamping: limit.rlim_cur)
  }

  /// Whether so many more threads can run at the same time: they are started, and end at once.
  package static func canStartThreads(_ count: Int) -> Bool {
    let gate = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    defer { gate.deallocate() }
    pthread_mutex_init(gate, nil)
    defer { pthread_mutex_destroy(gate) }
    pthread_mutex_lock(gate)
    var threads: [pthread_t] = []
    while threads.count < count {
      var thread = pthread_t()
      let code = pthread_create(
        &thread, nil,
        { gate in
          let gate = gate!.assumingMemoryBound(to: pthread_mutex_t.self)
          pthread_mutex_lock(gate)
          pthread_mutex_unlock(gate)
          return nil
        }, gate)
      guard code == 0 else { break }
      threads.append(thread)
    }
    pthread_mutex_unlock(gate)
    for thread in threads { pthread_join(thread, nil) }
    return threads.count == count
  }

  /// The most memory that the control groups of this process let it have, in bytes; nil if they set no limit.
  package static let memory: Int? = memoryLimit(
    groups: String(decoding: FileSystem.stream("/proc/self/cgroup"), as: UTF8.self),
    read: { String(decoding: FileSystem.stream($0), as: UTF8.self) })

  /// The least of the limits of all groups that a process is in, by version 2 of control groups and by
  /// version 1.
  /// - Parameters:
  ///   - groups: What `/proc/self/cgroup` says.
  ///   - read: The text of a file; empty if there is none.
  static func memoryLimit(groups: String, read: (_ path: String) -> String) -> Int? {
    var limits: [Int] = []
    for line in groups.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let mounts: [String]
      let file: String
      if parts[1].isEmpty {
        (mounts, file) = (["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], "memory.max")
      } else if parts[1].split(separator: ",").contains("memory") {
        (mounts, file) = (["/sys/fs/cgroup/memory"], "memory.limit_in_bytes")
      } else {
        continue
      }
      // Each group is limited by those that it lies in. In a container, its own may be the root of what is
      // mounted.
      var group = parts[2][...]
      while true {
        for mount in mounts {
          let path = group == "/" ? "\(mount)/\(file)" : "\(mount)\(group)/\(file)"
          let value = read(path).split(separator: "\n").first ?? ""
          if let limit = Int(value) { limits.append(limit) }
        }
        guard let slash = group.lastIndex(of: "/"), group != "/" else { break }
        group = slash == group.startIndex ? "/" : group[..<slash]
      }
    }
    // Version 1 has a number of pages near 2⁶³ for no limit.
    return limits.min().flatMap { $0 < 1 << 60 ? $0 : nil }
  }
}

/// What this process may not have, though its job needs it.
package struct ResourceError: Error, Equatable, CustomStringConvertible {
  /// One line; it says what to do.
  package let description: String

  package init(_ description: String) { self.description = description }
}
