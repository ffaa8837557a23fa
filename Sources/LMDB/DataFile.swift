internal import Glibc

/// The header of `data.mdb`, checked before LMDB maps the file.
///
/// LMDB follows a page number without asking whether the file is that long; a file that was cut
/// short would end the process with SIGBUS at the first page that is missing. Layout (64-bit,
/// native byte order): two meta pages, each a page header of 16 bytes and then magic, version,
/// address, map size, two tables of 48 bytes (the first begins with the page size), last page,
/// transaction number.
enum DataFile {
  private static let magic: UInt32 = 0xBEEF_C0DE
  private static let version: UInt32 = 1
  private static let metaPageFlag: UInt16 = 0x08
  /// Page header and meta record; the root of the table of free pages is 40 bytes into the first of
  /// its two tables.
  private static let metaBytes = 16 + 136
  private static let pageSizes = 512...65536

  /// Throws unless `path` is missing or was never written to (false), or is an LMDB file as long as its
  /// header says (true).
  static func check(_ path: String) throws(LMDBError) -> Bool {
    // A process that is creating the file shows a short one for a moment.
    var attempts = 5
    while true {
      do throws(LMDBError) {
        return try checkOnce(path)
      } catch {
        attempts -= 1
        if attempts == 0 { throw error }
        usleep(10_000)
      }
    }
  }

  /// Whether a file is one that was made and never written to. A file of more than a page is another,
  /// which is told without reading it.
  static func isUnwritten(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0, status.st_size <= pageSizes.upperBound else { return false }
    return (try? check(path)) == false
  }

  private static func checkOnce(_ path: String) throws(LMDBError) -> Bool {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
      if errno == ENOENT { return false }
      throw LMDBError(ResultCode(rawValue: errno), path: path)
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      throw LMDBError(ResultCode(rawValue: errno), path: path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw LMDBError(.invalid, path: path, detail: "not a file; move it away")
    }
    // Made by a process that was killed, or found the disk full, before it could write to it.
    guard status.st_size > 0 else { return false }
    let first = try meta(of: file, at: 0, path)
    guard pageSizes.contains(first.pageSize), first.pageSize.nonzeroBitCount == 1 else {
      throw LMDBError(.invalid, path: path)
    }
    // The two pages of a new file are written at once; of a full disk the second one finds no room.
    if first.transaction == 0, status.st_size == first.pageSize { return false }
    let second = try meta(of: file, at: first.pageSize, path)
    let newest = first.transaction > second.transaction ? first : second
    let (pages, pastLast) = newest.lastPage.addingReportingOverflow(1)
    let (needed, tooLong) = pages.multipliedReportingOverflow(by: UInt64(first.pageSize))
    let size = UInt64(status.st_size)
    // Pages that a transaction took from the end and gave back were never written.
    guard !pastLast, !tooLong,
      needed <= size
        || FreePages(of: file, pageSize: first.pageSize, root: newest.freePages).cover(
          size / UInt64(first.pageSize)...newest.lastPage)
    else {
      throw LMDBError(
        .corrupted, path: path,
        detail: "the file is cut short (\(status.st_size) bytes, its header tells of "
          + "\(tooLong || pastLast ? "more than there can be" : "\(needed)")); "
          + "copy it again, or delete it and build it again")
    }
    return true
  }

  private static func meta(of file: Int32, at offset: Int, _ path: String) throws(LMDBError)
    -> (pageSize: Int, freePages: UInt64, lastPage: UInt64, transaction: UInt64)
  {
    let page: [UInt8] = .init(unsafeUninitializedCapacity: metaBytes) { buffer, count in
      count = max(0, pread(file, buffer.baseAddress, metaBytes, off_t(offset)))
    }
    guard page.count == metaBytes else { throw LMDBError(.invalid, path: path) }
    let bytes = page.span.bytes
    guard bytes.unsafeLoadUnaligned(fromByteOffset: 10, as: UInt16.self) & metaPageFlag != 0,
      bytes.unsafeLoadUnaligned(fromByteOffset: 16, as: UInt32.self) == magic
    else { throw LMDBError(.invalid, path: path) }
    guard bytes.unsafeLoadUnaligned(fromByteOffset: 20, as: UInt32.self) == version else {
      throw LMDBError(.versionMismatch, path: path)
    }
    return (
      Int(bytes.unsafeLoadUnaligned(fromByteOffset: 40, as: UInt32.self)),
      bytes.unsafeLoadUnaligned(fromByteOffset: 80, as: UInt64.self),
      bytes.unsafeLoadUnaligned(fromByteOffset: 136, as: UInt64.self),
      bytes.unsafeLoadUnaligned(fromByteOffset: 144, as: UInt64.self)
    )
  }
}
