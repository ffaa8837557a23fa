import Foundation
import Glibc
import LMDB
import TestSupport
import Testing

@Suite("Compacting an environment") struct CompactionTests {
  private struct Rejection: Error {}

  /// An environment whose file is mostly free pages: every tenth of 20,000 numbers remains.
  private func mostlyFree() throws -> String {
    let folder = TemporaryFolder().path
    let environment = try Environment(folder, access: .readWrite)
    let numbers = try environment.write { transaction in
      let numbers = try Numbers(opening: "numbers", in: transaction, create: true)
      for number in 1...UInt64(20_000) { try numbers.append(number, number, in: transaction) }
      return numbers
    }
    try environment.write { transaction in
      for number in 1...UInt64(20_000) where number % 10 != 0 {
        try numbers.delete(number, in: transaction)
      }
    }
    return folder
  }

  private func numbers(in folder: String) throws -> [UInt64] {
    let environment = try Environment(folder, access: .readOnly)
    let transaction = try ReadTransaction(environment)
    var found: [UInt64] = []
    try Numbers(opening: "numbers", in: transaction).forEach(in: transaction) { key, value in
      #expect(key == value)
      found.append(key)
    }
    return found
  }

  private func bytes(_ folder: String) -> Data? {
    FileManager.default.contents(atPath: folder + "/data.mdb")
  }

  @Test("reclaims free pages, keeps every row, and needs the announced space")
  func shrinks() throws {
    let folder = try mostlyFree()
    chmod(folder + "/data.mdb", 0o640)
    let before = try numbers(in: folder)
    do {
      let compaction = try Compaction(folder)
      #expect(compaction.bytesBefore == bytes(folder)?.count)
      #expect(compaction.bytesNeeded * 2 < compaction.bytesBefore && compaction.bytesFree > 0)
      var checked = 0
      let after = try compaction.run { copy throws in
        checked += 1
        #expect(try numbers(in: copy) == before)
      }
      #expect(checked == 1 && after == compaction.bytesNeeded && after == bytes(folder)?.count)
    }
    #expect(before.count == 2000)
    #expect(try numbers(in: folder) == before)
    var status = stat()
    #expect(stat(folder + "/data.mdb", &status) == 0 && status.st_mode & 0o777 == 0o640)
    #expect(access(folder + "/" + FileReplacement.temporaryName, F_OK) != 0)
    // Writers continue in the new file.
    do {
      let environment = try Environment(folder, access: .readWrite)
      try environment.write { transaction in
        try Numbers(opening: "numbers", in: transaction).put(7, 7, in: transaction)
      }
    }
    #expect(try numbers(in: folder) == [7] + before)
  }

  @Test("leaves the file unchanged if the check rejects the copy")
  func refused() throws {
    let folder = try mostlyFree()
    let before = bytes(folder)
    #expect(throws: Rejection.self) { try Compaction(folder).run { _ in throw Rejection() } }
    #expect(bytes(folder) == before)
    #expect(access(folder + "/" + FileReplacement.temporaryName, F_OK) != 0)
  }

  @Test("removes what a killed compaction left behind")
  func leftovers() throws {
    let folder = try mostlyFree()
    let left = folder + "/" + FileReplacement.temporaryName
    #expect(mkdir(left, 0o700) == 0)
    for name in ["data.mdb", "lock.mdb"] {
      #expect(FileManager.default.createFile(atPath: "\(left)/\(name)", contents: Data([1])))
    }
    _ = try Compaction(folder).run { _ in }
    #expect(access(left, F_OK) != 0)
    #expect(try numbers(in: folder).count == 2000)
  }

  @Test("is refused while the environment is open, in this or another process")
  func inUse() throws {
    let folder = try mostlyFree()
    let isBusy = { (error: any Error) in ResultCode.busy ~= error }
    do {
      let open = try Environment(folder, access: .readOnly)
      #expect(performing: { _ = try Compaction(folder) }, throws: isBusy)
      withExtendedLifetime(open) {}
    }
    // The lock belongs to the open file description, so a second descriptor acts as another
    // process.
    let other = Glibc.open(folder, O_RDONLY | O_DIRECTORY)
    defer { close(other) }
    #expect(flock(other, LOCK_SH) == 0)
    #expect(performing: { _ = try Compaction(folder) }, throws: isBusy)
    // Others can share the folder.
    #expect(try numbers(in: folder).count == 2000)
    do {
      let environment = try Environment(folder, access: .readWrite)
      #expect(flock(other, LOCK_EX | LOCK_NB) != 0)
      withExtendedLifetime(environment) {}
    }
    #expect(flock(other, LOCK_UN) == 0)
    let compaction = try Compaction(folder)
    #expect(flock(other, LOCK_SH | LOCK_NB) != 0)
    _ = try compaction.run { _ in }
  }

  @Test("is refused while a program that does not take the folder lock has it open")
  func inUseByOthers() throws {
    let folder = try mostlyFree()
    // As LMDB in another process would lock it: an open-file-description lock does not belong to
    // this process.
    let file = Glibc.open(folder + "/lock.mdb", O_RDWR)
    defer { close(file) }
    var lock = Glibc.flock()
    (lock.l_type, lock.l_len) = (Int16(F_RDLCK), 1)
    let setOpenFileLock: Int32 = 37
    #expect(fcntl(file, setOpenFileLock, &lock) == 0)
    #expect {
      _ = try Compaction(folder)
    } throws: { ResultCode.busy ~= $0 && "\($0)".contains("another program") }
    lock.l_type = Int16(F_UNLCK)
    #expect(fcntl(file, setOpenFileLock, &lock) == 0)
    _ = try Compaction(folder).run { _ in }
  }
}
