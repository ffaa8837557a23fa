internal import CLMDB
internal import Glibc

/// Swaps the folders of two environments atomically. A process that has one of them open keeps
/// using it under its old locks, which is why folders are swapped rather than files.
package func exchangeFolders(_ a: String, _ b: String) throws(LMDBError) {
  guard folders_exchange(a, b) == 0 else {
    throw LMDBError(ResultCode(rawValue: errno), path: b)
  }
}
