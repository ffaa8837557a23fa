internal import Glibc

/// The header of `data.mdb`, checked before LMDB maps the file.
///
/// LMDB follows page numbers without checking the file's size, so a truncated file would kill the
/// process with SIGBUS at the first missing page. Layout (64-bit, native byte order): two meta
/// pages, each a page header of 16 bytes and then magic, version, address, map size, two tables of
/// 48 bytes (the first begins with the page size), last page, transaction number.
enum DataFile {
  private static let magic: UInt32 = 0xBEEF_C0DE
  private static let version: UInt32 = 1
  private static let metaPageFlag: UInt16 = 0x08
  /// Page header and meta record; the root of the free-page table is at offset 40 of the first of
  /// the two tables.
  private static let metaBytes = 16 + 136
  private static let pageSizes = 512...65536

  /// Returns false if the file is missing or was never written to, and true for an LMDB file as
  /// long as its header says; throws otherwise.
  static func check(_ path: String) throws(LMDBError) -> Bool {
    // While another process is creating the file, it is briefly too short.
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

  /// Whether a file was created but never written to. A file larger than a page was written to, so
  /// it is not read.
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
      throw LMDBError(.invalid, path: path, detail: "not a regular file; move it away")
    }
    // Created by a process that was killed, or ran out of disk space, before its first write.
    guard status.st_size > 0 else { return false }
    let first = try meta(of: file, at: 0, path)
    guard pageSizes.contains(first.pageSize), first.pageSize.nonzeroBitCount == 1 else {
      throw LMDBError(.invalid, path: path)
    }
    // The two pages of a new file are written together; on a full disk the second one may be
    // missing.
    if first.transaction == 0, status.st_size == first.pageSize { return false }
    let second = try meta(of: file, at: first.pageSize, path)
    let newest = first.transaction > second.transaction ? first : second
    let (pages, pastLast) = newest.lastPage.addingReportingOverflow(1)
    let (needed, tooLong) = pages.multipliedReportingOverflow(by: UInt64(first.pageSize))
    let size = UInt64(status.st_size)
    // Pages that a transaction allocated at the end and freed again were never written.
    guard !pastLast, !tooLong,
      needed <= size
        || FreePages(of: file, pageSize: first.pageSize, root: newest.freePages).cover(
          size / UInt64(first.pageSize)...newest.lastPage)
    else {
      throw LMDBError(
        .corrupted, path: path,
        detail: "the file is truncated (\(status.st_size) bytes; its header says "
          + "\(tooLong || pastLast ? "an impossible size" : "\(needed)")); "
          + "copy it again, or delete it and rebuild it")
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
