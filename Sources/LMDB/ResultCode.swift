internal import CLMDB
internal import Glibc

/// What LMDB or the system answered: LMDB's own codes are negative, the system's are `errno`.
///
/// A struct with named values and not an enum, since the system has more codes than are named here.
public struct ResultCode: RawRepresentable, Hashable, Sendable {
  /// The number as LMDB returns it.
  public let rawValue: Int32

  /// A code of the given number.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// The key is there already (or an appended key is not the greatest).
  public static let keyExists = ResultCode(rawValue: MDB_KEYEXIST)
  /// No such key or table.
  public static let notFound = ResultCode(rawValue: MDB_NOTFOUND)
  /// A page number past the end of the file.
  public static let pageNotFound = ResultCode(rawValue: MDB_PAGE_NOTFOUND)
  /// A page or a value is not what it should be.
  public static let corrupted = ResultCode(rawValue: MDB_CORRUPTED)
  /// A write of the file's header failed: the environment must be closed.
  public static let panic = ResultCode(rawValue: MDB_PANIC)
  /// The file is of another format version of LMDB.
  public static let versionMismatch = ResultCode(rawValue: MDB_VERSION_MISMATCH)
  /// The file is not one of LMDB.
  public static let invalid = ResultCode(rawValue: MDB_INVALID)
  /// The reserved map is full.
  public static let mapFull = ResultCode(rawValue: MDB_MAP_FULL)
  /// Too many readers at once.
  public static let readersFull = ResultCode(rawValue: MDB_READERS_FULL)
  /// Too many changed pages in one transaction.
  public static let transactionFull = ResultCode(rawValue: MDB_TXN_FULL)
  /// Another process has grown the file past this process's map.
  public static let mapResized = ResultCode(rawValue: MDB_MAP_RESIZED)
  /// The table is of another kind.
  public static let incompatible = ResultCode(rawValue: MDB_INCOMPATIBLE)
  /// A key of 0 or more than 511 bytes.
  public static let badValueSize = ResultCode(rawValue: MDB_BAD_VALSIZE)
  /// No such file or folder.
  public static let noSuchFile = ResultCode(rawValue: ENOENT)
  /// Not a folder.
  public static let notADirectory = ResultCode(rawValue: ENOTDIR)
  /// No permission.
  public static let permissionDenied = ResultCode(rawValue: EACCES)
  /// The file system is read-only.
  public static let readOnlyFileSystem = ResultCode(rawValue: EROFS)
  /// The disk is full.
  public static let noSpace = ResultCode(rawValue: ENOSPC)
  /// A write or read failed; also what LMDB makes of a write that a full disk took only a part of.
  public static let inputOutput = ResultCode(rawValue: EIO)
  /// The file may not grow further.
  public static let fileTooLarge = ResultCode(rawValue: EFBIG)
  /// No memory, or no address space.
  public static let noMemory = ResultCode(rawValue: ENOMEM)
  /// In use already.
  public static let busy = ResultCode(rawValue: EBUSY)
  /// An argument was refused.
  public static let invalidArgument = ResultCode(rawValue: EINVAL)
}

extension ResultCode: CustomStringConvertible {
  /// What happened and what to do about it.
  public var description: String {
    switch self {
    case .pageNotFound, .corrupted: "the file is damaged; delete it and build it again"
    case .panic: "a write failed half way; close it, look for disk errors, and open it again"
    case .versionMismatch: "written by another version of LMDB; build it again with this one"
    case .invalid: "not an LMDB file; delete it if it is meant to be one, and build it again"
    case .mapFull:
      "the address space reserved for it is full; raise the limit (ulimit -v) and run again"
    case .readersFull: "too many readers at once; end some of the processes that have it open"
    case .transactionFull: "too many changes in one transaction; write in smaller batches"
    case .mapResized: "another process has grown it past what is mapped here; open it again"
    case .incompatible: "a table is of another kind than expected; build it again"
    case .badValueSize: "a key must have 1 to 511 bytes"
    case .noSuchFile: "no such file or folder; check the path"
    case .notADirectory: "not a folder; check the path"
    case .permissionDenied: "no permission; check the owner and mode of the folder and its files"
    case .readOnlyFileSystem: "the file system is read-only; copy the folder to one that is not"
    case .noSpace: "no space left on the disk; free some and run again (nothing was half written)"
    case .inputOutput:
      "the disk is full or fails; free some of it and run again (nothing was half written)"
    case .fileTooLarge:
      "the file may not grow further; raise the limit (ulimit -f) and run again (nothing was half "
        + "written)"
    case .noMemory: "no memory or address space left; raise the limit (ulimit -v)"
    default: String(cString: mdb_strerror(rawValue))
    }
  }
}

/// A failed call on an environment, with the file or folder it is about.
public struct LMDBError: Error, Equatable, CustomStringConvertible {
  /// What LMDB or the system answered.
  public let code: ResultCode
  /// The folder of the environment, or the file in it.
  public let path: String
  /// What was wrong, where more is known than the code says.
  public let detail: String?

  /// An error about `path`.
  public init(_ code: ResultCode, path: String, detail: String? = nil) {
    self.code = code
    self.path = path
    self.detail = detail
  }

  /// One line: the path, what was wrong and what to do.
  public var description: String { "\(path): \(detail ?? code.description)" }

  /// Lets a `catch` name a code: `catch ResultCode.mapFull`.
  public static func ~= (code: ResultCode, error: LMDBError) -> Bool { error.code == code }
}

/// Lets a `catch` name a code whatever the error's static type.
public func ~= (code: ResultCode, error: any Error) -> Bool {
  (error as? LMDBError)?.code == code
}
