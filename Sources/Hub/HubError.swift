import Glibc

/// An error of the hub or of the cache of its models; the description says what to do.
package struct HubError: Error, Equatable, CustomStringConvertible {
  /// One line for the user.
  package let description: String

  init(_ description: String) { self.description = description }

  /// An error for a failed system call on `path`, with advice if the disk is full.
  static func system(_ path: String, _ code: Int32 = errno) -> HubError {
    let remedy =
      code == ENOSPC || code == EDQUOT
      ? "; free some space (what was fetched is kept), or move the cache with HF_HOME" : ""
    return HubError("\(path): \(String(cString: strerror(code)))\(remedy)")
  }
}
