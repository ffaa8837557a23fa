internal import CLMDB
internal import Glibc

/// A result code of LMDB (negative) or the system (an `errno` value).
///
/// A struct with named values rather than an enum, because the system has more codes than are named
/// here.
package struct ResultCode: RawRepresentable, Hashable, Sendable {
  /// The numeric code.
  package let rawValue: Int32

  /// A code with the given number.
  package init(rawValue: Int32) { self.rawValue = rawValue }

  /// The key exists already (or an appended key is not the greatest).
  package static let keyExists = ResultCode(rawValue: MDB_KEYEXIST)
  /// No such key or table.
  package static let notFound = ResultCode(rawValue: MDB_NOTFOUND)
  /// A page number past the end of the file.
  package static let pageNotFound = ResultCode(rawValue: MDB_PAGE_NOTFOUND)
  /// A page or a value is invalid.
  package static let corrupted = ResultCode(rawValue: MDB_CORRUPTED)
  /// A write of the file's header failed: the environment must be closed.
  package static let panic = ResultCode(rawValue: MDB_PANIC)
  /// The file has another version of LMDB's format.
  package static let versionMismatch = ResultCode(rawValue: MDB_VERSION_MISMATCH)
  /// The file is not an LMDB file.
  package static let invalid = ResultCode(rawValue: MDB_INVALID)
  /// The reserved map is full.
  package static let mapFull = ResultCode(rawValue: MDB_MAP_FULL)
  /// Too many readers at once.
  package static let readersFull = ResultCode(rawValue: MDB_READERS_FULL)
  /// Too many changed pages in one transaction.
  package static let transactionFull = ResultCode(rawValue: MDB_TXN_FULL)
  /// Another process has grown the file past this process's map.
  package static let mapResized = ResultCode(rawValue: MDB_MAP_RESIZED)
  /// The table has different flags than expected.
  package static let incompatible = ResultCode(rawValue: MDB_INCOMPATIBLE)
  /// A key of 0 or more than 511 bytes.
  package static let badValueSize = ResultCode(rawValue: MDB_BAD_VALSIZE)
  /// No such file or folder.
  package static let noSuchFile = ResultCode(rawValue: ENOENT)
  /// Not a folder.
  package static let notADirectory = ResultCode(rawValue: ENOTDIR)
  /// No permission.
  package static let permissionDenied = ResultCode(rawValue: EACCES)
  /// The file system is read-only.
  package static let readOnlyFileSystem = ResultCode(rawValue: EROFS)
  /// The disk is full.
  package static let noSpace = ResultCode(rawValue: ENOSPC)
  /// A write or read failed; LMDB also reports this for a partial write to a full disk.
  package static let inputOutput = ResultCode(rawValue: EIO)
  /// The file size limit is reached.
  package static let fileTooLarge = ResultCode(rawValue: EFBIG)
  /// No memory, or no address space.
  package static let noMemory = ResultCode(rawValue: ENOMEM)
  /// Already in use.
  package static let busy = ResultCode(rawValue: EBUSY)
  /// An invalid argument.
  package static let invalidArgument = ResultCode(rawValue: EINVAL)
}

extension ResultCode: CustomStringConvertible {
  /// What happened and what to do about it, in one line.
  package var description: String {
    switch self {
    case .pageNotFound, .corrupted: "the file is damaged; repair it"
    case .panic: "a write failed part-way; close it, check the disk for errors, and reopen it"
    case .versionMismatch: "written by another version of LMDB; rebuild it with this one"
    case .invalid: "not an LMDB file, or its headers are damaged; if it should be one, repair it"
    case .mapFull:
      "the address space reserved for it is full; raise the limit (ulimit -v) and run again"
    case .readersFull: "too many readers at once; stop some of the processes that have it open"
    case .transactionFull: "too many changes in one transaction; write in smaller batches"
    case .mapResized: "another process has grown it beyond this process's map; reopen it"
    case .incompatible: "a table has an unexpected type; rebuild it"
    case .badValueSize: "a key must have 1 to 511 bytes"
    case .noSuchFile: "no such file or folder; check the path"
    case .notADirectory: "not a folder; check the path"
    case .permissionDenied: "no permission; check the owner and mode of the folder and its files"
    case .readOnlyFileSystem: "the file system is read-only; copy the folder to one that is not"
    case .noSpace:
      "no space left on the disk; free some and run again (no partial data was written)"
    case .inputOutput:
      "the disk is full or failing; free some space and run again (no partial data was written)"
    case .fileTooLarge:
      "the file size limit is reached; raise it (ulimit -f) and run again (no partial data was "
        + "written)"
    case .noMemory: "out of memory or address space; raise the limit (ulimit -v)"
    default: String(cString: mdb_strerror(rawValue))
    }
  }
}

/// An error of an environment, with the path it concerns.
package struct LMDBError: Error, Equatable, CustomStringConvertible {
  /// The code that LMDB or the system returned.
  package let code: ResultCode
  /// The environment's folder, or a file in it.
  package let path: String
  /// A more specific description than the code's, if there is one.
  package let detail: String?

  /// An error concerning `path`.
  package init(_ code: ResultCode, path: String, detail: String? = nil) {
    self.code = code
    self.path = path
    self.detail = detail
  }

  /// One line: the path, what went wrong and what to do.
  package var description: String { "\(path): \(detail ?? code.description)" }

  /// Matches an error by its code in a `catch`: `catch ResultCode.mapFull`.
  package static func ~= (code: ResultCode, error: LMDBError) -> Bool { error.code == code }
}

/// Matches an error of any static type by its code.
package func ~= (code: ResultCode, error: any Error) -> Bool {
  (error as? LMDBError)?.code == code
}
