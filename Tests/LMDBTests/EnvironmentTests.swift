import FoundationEssentials
import Glibc
import LMDB
import TestSupport
import Testing

typealias Numbers = Table<BigEndianUInt64, LittleEndianUInt64>

/// An environment with a table `numbers`: 1 → 1 … 1,000 → 1,000.
func folderOfNumbers() throws -> String {
  let folder = TemporaryFolder().path
  let environment = try Environment(folder, access: .readWrite)
  try environment.write { transaction in
    let numbers = try Numbers(opening: "numbers", in: transaction, create: true)
    for number in 1...UInt64(1000) { try numbers.append(number, number, in: transaction) }
  }
  return folder
}

@Suite("Opening an environment") struct EnvironmentTests {
  @Test("fails twice in a process, and works again after closing") func openedTwice() throws {
    let folder = try folderOfNumbers()
    let link = TemporaryFolder().path + "/another-name"
    #expect(symlink(folder, link) == 0)
    do {
      let first = try Environment(folder, access: .readWrite)
      for name in [folder, folder + "/", link] {
        #expect { try Environment(name, access: .readOnly) } throws: {
          ResultCode.busy ~= $0 && "\($0)".contains("already open")
        }
      }
      withExtendedLifetime(first) {}
    }
    _ = try Environment(link, access: .readOnly)
  }

  @Test("names a missing folder or file") func missing() throws {
    let folder = TemporaryFolder()
    #expect {
      try Environment(folder.path + "/none", access: .readWrite)
    } throws: { ResultCode.noSuchFile ~= $0 && "\($0)".hasPrefix(folder.path + "/none: ") }
    #expect { try Environment(folder.path, access: .readOnly) } throws: {
      ResultCode.noSuchFile ~= $0 && "\($0)".contains("data.mdb")
    }
    let file = folder.write("file", [])
    #expect { try Environment(file, access: .readWrite) } throws: {
      ResultCode.notADirectory ~= $0
    }
    #expect(throws: LMDBError.self) { try Environment(folder.path + "\0x", access: .readWrite) }
    #expect(throws: LMDBError.self) { try Environment("", access: .readWrite) }
  }

  @Test(arguments: [
    [0], Array(repeating: UInt8(0), count: 8192), Array("garbage".utf8),
    (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) },
  ])
  func rejectsOtherFiles(_ bytes: [UInt8]) throws {
    let folder = TemporaryFolder()
    let file = folder.write("data.mdb", bytes)
    for access in [Environment.Access.readOnly, .readWrite] {
      #expect { try Environment(folder.path, access: access) } throws: {
        ResultCode.invalid ~= $0 && "\($0)".hasPrefix(file + ": ")
      }
    }
  }

  @Test("treats a data file that was never written to as missing") func unwritten() throws {
    let folder = TemporaryFolder()
    folder.write("data.mdb", [])
    #expect { try Environment(folder.path, access: .readOnly) } throws: {
      ResultCode.noSuchFile ~= $0
    }
    let environment = try Environment(folder.path, access: .readWrite)
    #expect(try environment.read { try $0.isEnvironmentEmpty() })
  }

  @Test("rejects a folder in place of the data file") func folderAsFile() throws {
    let folder = TemporaryFolder()
    #expect(mkdir(folder.path + "/data.mdb", 0o755) == 0)
    #expect(throws: LMDBError.self) { try Environment(folder.path, access: .readWrite) }
  }

  @Test("rejects a truncated data file") func truncated() throws {
    let folder = try folderOfNumbers()
    let file = folder + "/data.mdb"
    var status = stat()
    #expect(stat(file, &status) == 0)
    #expect(truncate(file, status.st_size - 4096) == 0)
    #expect { try Environment(folder, access: .readOnly) } throws: {
      ResultCode.corrupted ~= $0 && "\($0)".contains("truncated")
    }
  }

  /// Pages allocated at the end and freed in one transaction are counted but never written, so a
  /// valid file can be shorter than its header says.
  @Test("accepts a data file whose missing end is free pages") func missingFreePages() throws {
    typealias Values = Table<BigEndianUInt64, RawBytes>
    let folder = TemporaryFolder()
    let environment = try Environment(folder.path, access: .readWrite)
    let table = try environment.write { try Values(opening: "values", in: $0, create: true) }
    for round in 0..<12 as Range<UInt64> {
      try environment.write { transaction in
        for key in 0..<40 as Range<UInt64> {
          try table.delete(key, in: transaction)
          // Many values at first, few in the end.
          guard key < 40 - 3 * round else { continue }
          try table.put(key, [UInt8](repeating: UInt8(round), count: 3000), in: transaction)
        }
      }
    }
    _ = consume environment
    let complete = [UInt8](try Data(contentsOf: URL(filePath: folder.path + "/data.mdb")))
    var accepted = 0
    // Keep the two meta pages.
    for pages in 1..<complete.count / 4096 - 1 {
      let copy = TemporaryFolder()
      copy.write("data.mdb", complete.dropLast(4096 * pages))
      do {
        let environment = try Environment(copy.path, access: .readWrite)
        let table = try environment.write { try Values(opening: "values", in: $0) }
        for key in 0..<7 as Range<UInt64> {
          let value = try environment.read { try table.get(key, in: $0) }
          #expect(value == [UInt8](repeating: 11, count: 3000))
        }
        try environment.write { try table.put(99, [1, 2, 3], in: $0) }
        accepted += 1
      } catch let error as LMDBError {
        #expect("\(error)".contains("truncated"))
      }
    }
    #expect(accepted > 0 && accepted < complete.count / 4096 - 2)
  }

  @Test(arguments: [
    // Offsets in a meta page: version, page size, last page.
    (offset: 20, bytes: [9, 0, 0, 0] as [UInt8], code: ResultCode.versionMismatch),
    (40, [0, 0, 0, 0], .invalid), (40, [1, 16, 0, 0], .invalid), (40, [0, 0, 0, 128], .invalid),
    (136, Array(repeating: 255, count: 8), .corrupted),
    (136, [255, 255, 255, 255, 255, 255, 255, 127], .corrupted),
  ])
  func rejectsWrongHeaders(
    _ change: (offset: Int, bytes: [UInt8], code: ResultCode)
  ) throws {
    let folder = try folderOfNumbers()
    let file = try #require(fopen(folder + "/data.mdb", "r+b"))
    for page in [0, 4096] {
      fseek(file, page + change.offset, SEEK_SET)
      fwrite(change.bytes, 1, change.bytes.count, file)
    }
    fclose(file)
    #expect { try Environment(folder, access: .readOnly) } throws: { change.code ~= $0 }
  }

  @Test("reserves less in a limited address space") func limitedAddressSpace() async throws {
    let folder = try folderOfNumbers()
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      // What is already in use (a great deal under a sanitizer) plus 8 GiB.
      let statistics = try #require(fopen("/proc/self/statm", "r"))
      var line = [CChar](repeating: 0, count: 200)
      _ = fgets(&line, 200, statistics)
      let limit = UInt(strtoul(line, nil, 10)) * 4096 + 8 << 30
      var limits = rlimit(rlim_cur: limit, rlim_max: limit)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limits) == 0)
      let environment = try Environment(folder, access: .readWrite)
      try #require(environment.mapSize == 4 << 30)
      let first = try environment.write { transaction in
        try Numbers(opening: "numbers", in: transaction).get(1, in: transaction)
      }
      try #require(first == 1)
    }
  }

  @Test("reads a folder without write permission") func readOnlyFolder() async throws {
    let folder = try folderOfNumbers()
    let outer = try #require(folder.split(separator: "/").dropLast().last)
    #expect(chmod("/tmp/\(outer)", 0o711) == 0)
    #expect(unlink(folder + "/lock.mdb") == 0)
    #expect(chmod(folder, 0o555) == 0 && chmod(folder + "/data.mdb", 0o444) == 0)
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      if geteuid() == 0 { try #require(setuid(65534) == 0) }
      let environment = try Environment(folder, access: .readOnly)
      try #require(!environment.isLocked)
      let last = try environment.read { transaction in
        try Numbers(opening: "numbers", in: transaction).get(1000, in: transaction)
      }
      try #require(last == 1000)
    }
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      if geteuid() == 0 { try #require(setuid(65534) == 0) }
      #expect { try Environment(folder, access: .readWrite) } throws: {
        ResultCode.permissionDenied ~= $0
      }
    }
  }

  @Test("accepts a file after pages were allocated and freed again") func freedPages() throws {
    // Pages allocated at the end of the file and freed in one transaction, while there are older
    // free pages, are counted in the header but never written.
    let folder = TemporaryFolder().path
    let small = [UInt8](repeating: 1, count: 40_000)
    let large = [UInt8](repeating: 2, count: 400_000)
    do {
      let environment = try Environment(folder, access: .readWrite)
      typealias Blobs = Table<BigEndianUInt64, RawBytes>
      let blobs = try environment.write { transaction in
        let blobs = try Blobs(opening: "blobs", in: transaction, create: true)
        try blobs.put(1, small, in: transaction)
        return blobs
      }
      try environment.write { _ = try blobs.delete(1, in: $0) }
      for key in 2...UInt64(4) { try environment.write { try blobs.put(key, [1], in: $0) } }
      try environment.write { transaction in
        try blobs.put(9, large, in: transaction)
        try blobs.delete(9, in: transaction)
      }
    }
    _ = try Environment(folder, access: .readOnly)
  }
}
