import Files
import FoundationEssentials
import TestSupport
import Testing

@Suite("A file that is replaced at once")
struct AtomicFileTests {
  private let folder = TemporaryFolder()

  private func contents(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }
  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test("It has its new contents when it is committed, and its old ones until then")
  func replaces() throws {
    let path = folder.write("a", "old".utf8)
    let file = try AtomicFile(path)
    try file.write("new")
    #expect(try contents(path) == "old")
    try file.commit()
    #expect(try contents(path) == "new")
    #expect(try names() == ["a"])
  }

  @Test("Without a commit the old file stays, and nothing is left beside it")
  func isDropped() throws {
    let path = folder.write("a", "old".utf8)
    do {
      let file = try AtomicFile(path)
      try file.write("new")
    }
    #expect(try contents(path) == "old")
    #expect(try names() == ["a"])
  }

  @Test("A symbolic link stays one: what it leads to is replaced")
  func followsLinks() throws {
    let path = folder.write("a", "old".utf8)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link", withDestinationPath: "a")
    try AtomicFile.write(Array("new".utf8), to: folder.path + "/link")
    #expect(try contents(path) == "new")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path + "/link") == "a")
  }

  @Test(
    "What cannot be written is an error that names it", arguments: ["/dev/full", "/", "none/a"])
  func refuses(_ path: String) {
    let path = path.hasPrefix("/") ? path : folder.path + "/" + path
    let error = #expect(throws: PathError.self) { try AtomicFile.write([1], to: path) }
    #expect(error?.path == path)
  }
}

@Suite("A file's lock")
struct FileLockTests {
  @Test("One has it until its value is gone; who removed the file does not keep it")
  func isTakenOnce() throws {
    let path = TemporaryFolder().path + "/lock"
    var lock = try FileLock.tryTaking(path)
    #expect(lock != nil)
    #expect(try FileLock.tryTaking(path) == nil)
    try FileManager.default.removeItem(atPath: path)
    #expect(try FileLock.tryTaking(path) != nil)
    lock = nil
    #expect(lock == nil)
  }
}
