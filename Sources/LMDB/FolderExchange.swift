internal import CLMDB
internal import Glibc

/// Lets the folders of two environments change places, at once and for all who look. Whoever has one of
/// them open goes on with it, by its old locks; that is why folders change places and not files.
public func exchangeFolders(_ a: String, _ b: String) throws(LMDBError) {
  guard folders_exchange(a, b) == 0 else {
    throw LMDBError(ResultCode(rawValue: errno), path: b)
  }
}
