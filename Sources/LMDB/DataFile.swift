internal import Glibc

/// The pages of `data.mdb` on which opening depends, checked before LMDB maps the file.
///
/// LMDB follows page numbers without checking the file's size, so a truncated file would kill the
/// process with SIGBUS at the first missing page.
enum DataFile {
  /// Returns false if the file is missing or was never written to, and true for an LMDB file whose header
  /// is valid and that has the pages of its list of tables, and those of `tables`; throws otherwise.
  static func check(_ path: String, tables: Set<String> = []) throws(LMDBError) -> Bool {
    // While another process is creating the file, it is briefly too short; while one is writing, pages
    // may be replaced.
    var attempts = 5
    while true {
      do throws(LMDBError) {
        return try checkOnce(path, tables)
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
    guard stat(path, &status) == 0, status.st_size <= PageFile.pageSizes.upperBound else {
      return false
    }
    return (try? check(path)) == false
  }

  private static func checkOnce(_ path: String, _ tables: Set<String>) throws(LMDBError) -> Bool {
    let file: PageFile
    do throws(LMDBError) { file = try PageFile(path) } catch {
      if error.code == .noSuchFile { return false }
      throw error
    }
    // Created by a process that was killed, or ran out of disk space, before its first write.
    guard file.size > 0 else { return false }
    // The two pages of a new file are written together; on a full disk the second one may be
    // missing.
    if let first = file.metas[0], first.transaction == 0, file.size == first.pageSize {
      return false
    }
    let newest = try newestSnapshot(of: file)
    try checkLength(of: file, newest)
    if let fault = file.checkOpening(newest, tables: tables).faults.first {
      throw LMDBError(
        .corrupted, path: path,
        detail: "the file is damaged (\(fault.table): \(fault.examples.first ?? "")); repair it")
    }
    return true
  }

  /// What the newer of the two meta pages says, of which both must be valid: LMDB reads both.
  private static func newestSnapshot(of file: PageFile) throws(LMDBError) -> MetaPage {
    let header = file.header
    guard !MetaPage.isOfOtherVersion(header) else {
      throw LMDBError(.versionMismatch, path: file.path)
    }
    let snapshots = file.snapshots
    guard let newest = snapshots.first else { throw LMDBError(.invalid, path: file.path) }
    guard snapshots.count == 2, newest.transaction - snapshots[1].transaction <= 1 else {
      throw LMDBError(
        .corrupted, path: file.path,
        detail:
          "one of the file's two headers is damaged, and the last change may be lost; repair it")
    }
    return newest
  }

  /// Pages that a transaction allocated at the end and freed again were never written.
  private static func checkLength(of file: PageFile, _ newest: MetaPage) throws(LMDBError) {
    guard newest.lastPage >= file.pageCount else { return }
    var claimed = PageSet(upTo: file.pageCount)
    let free = Set(file.freePages(of: newest, claiming: &claimed).pages)
    let missing = file.pageCount...newest.lastPage
    guard missing.upperBound - missing.lowerBound < free.count, missing.allSatisfy(free.contains)
    else {
      throw LMDBError(
        .corrupted, path: file.path,
        detail:
          "the file is truncated (\(file.pageCount) pages of \(file.pageSize) bytes; the last "
          + "one should be page \(newest.lastPage)); copy it again, or repair it")
    }
  }
}
