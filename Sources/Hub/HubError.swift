import Glibc

/// What went wrong with the hub or with the cache of its models; the text says what to do.
package struct HubError: Error, Equatable, CustomStringConvertible {
  /// One line, for a person.
  package let description: String

  init(_ description: String) { self.description = description }

  /// A system call on `path` failed; says how where the disk is full.
  static func system(_ path: String, _ code: Int32 = errno) -> HubError {
    let remedy =
      code == ENOSPC || code == EDQUOT
      ? "; make room (what has arrived is kept), or put the cache elsewhere with HF_HOME" : ""
    return HubError("\(path): \(String(cString: strerror(code)))\(remedy)")
  }
}
