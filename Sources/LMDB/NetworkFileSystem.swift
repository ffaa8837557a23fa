internal import CLMDB

/// File systems shared between machines. LMDB's memory map and locks work only within one machine
/// ("Do not use LMDB databases on remote filesystems", lmdb.h).
package enum NetworkFileSystem {
  /// The name of the network file system that contains `path`; nil for a local disk.
  package static func name(of path: String) -> String? {
    var facts = statfs()
    guard statfs(path, &facts) == 0 else { return nil }
    return name(ofType: UInt32(truncatingIfNeeded: facts.f_type))
  }

  /// The name for a file system type as `statfs` reports it (linux/magic.h).
  package static func name(ofType type: UInt32) -> String? {
    switch type {
    case 0x6969: "NFS"
    case 0xFF53_4D42, 0xFE53_4D42, 0x517B: "SMB"
    case 0x00C3_6400: "Ceph"
    case 0x5346_414F: "AFS"
    case 0x0BD0_0BD0: "Lustre"
    case 0x0102_1997: "9P"
    default: nil
    }
  }
}
