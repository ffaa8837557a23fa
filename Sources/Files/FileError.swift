import Glibc

/// Why a file or folder could not be read.
package enum FileError: Error, Equatable, CustomStringConvertible {
  case system(Int32)
  case notAFile
  case tooLarge(UInt64, limit: Int)
  case tooManyLines(Int, limit: Int)
  /// Another program writes it.
  case changing

  /// The system's number for it.
  package var code: Int32 {
    switch self {
    case .system(let code): code
    case .notAFile: EINVAL
    case .tooLarge, .tooManyLines: EFBIG
    case .changing: EBUSY
    }
  }

  package var description: String {
    switch self {
    case .system(let code): String(cString: strerror(code))
    case .notAFile: "not a regular file"
    case .tooLarge(let size, let limit): "\(size) bytes; at most \(limit) are read"
    case .tooManyLines(let count, let limit): "\(count) lines; at most \(limit) are read"
    case .changing: "it changed while it was read"
    }
  }
}

/// Why a file or folder could not be used, with its path; the text says what to do.
package struct PathError: Error, Equatable, CustomStringConvertible {
  /// The file or folder, and where in it.
  package let path: String
  /// Why, and what to do.
  package let reason: String

  /// An error of one line.
  package init(_ path: String, _ reason: String) { (self.path, self.reason) = (path, reason) }

  /// What a system call left in `errno`.
  package static func system(_ path: String, _ code: Int32 = errno) -> PathError {
    PathError(path, String(cString: strerror(code)))
  }

  /// A file that cannot be written, as `errno` says.
  package static func unwritable(_ path: String, _ code: Int32 = errno) -> PathError {
    PathError(path, "cannot be written: \(String(cString: strerror(code)))")
  }

  /// One line.
  package var description: String { "\(path): \(reason)" }
}
