import Glibc
import TestSupport
import Testing

@testable import Files

@Suite("A file beneath a folder") struct OpenFileTests {
  private let folder = TemporaryFolder()

  private var root: [UInt8] { Array("\(folder.path)/root".utf8) }

  private func contents(_ path: String) throws(FileError) -> [UInt8] {
    let file = try OpenFile(Array(path.utf8), beneath: root)
    return try file.read(0..<100)
  }

  @Test("is read by its path, also through links that stay inside")
  func inside() throws {
    folder.write("root/a/b.txt", "inside".utf8)
    symlink("a", "\(folder.path)/root/link")
    #expect(try contents("a/b.txt") == Array("inside".utf8))
    #expect(try contents("link/b.txt") == Array("inside".utf8))
    #expect(try OpenFile(Array("a/b.txt".utf8), beneath: root).status.size == 6)
  }

  @Test("is not read where the path, or a link in it, leads outside, and where it is no file")
  func outside() throws {
    folder.write("root/a/b.txt", "inside".utf8)
    folder.write("secret", "outside".utf8)
    symlink("../secret", "\(folder.path)/root/file")
    symlink("\(folder.path)/secret", "\(folder.path)/root/absolute")
    symlink("..", "\(folder.path)/root/up")
    mkfifo("\(folder.path)/root/pipe", 0o600)
    for path in [
      "../secret", "\(folder.path)/secret", "file", "absolute", "up/secret", "a/../../secret", "a",
      "pipe", "", "none", "a/b.txt\0", "/etc/passwd",
    ] { #expect(throws: FileError.self, "\(path)") { try contents(path) } }
  }
}

@Suite("A watched folder", .serialized) struct FolderWatchTests {
  private let folder = TemporaryFolder()

  @Test("says that files were added, changed and removed, also in folders made meanwhile")
  func changes() throws {
    folder.write("a/1", [1])
    let watch = try FolderWatch([Array(folder.path.utf8)])
    #expect(try !watch.waitForChange(milliseconds: 20))
    folder.write("a/2", [1])
    #expect(try watch.waitForChange(milliseconds: 5000))
    folder.write("b/c/3", [1])
    #expect(try watch.waitForChange(milliseconds: 5000))
    // What followed at once may have been seen with it.
    while try watch.waitForChange(milliseconds: 50) {}
    folder.write("b/c/3", [1, 2])
    #expect(try watch.waitForChange(milliseconds: 5000))
    while try watch.waitForChange(milliseconds: 50) {}
    unlink("\(folder.path)/a/1")
    #expect(try watch.waitForChange(milliseconds: 5000))
  }

  @Test("says nothing of what happens in hidden folders")
  func hidden() throws {
    folder.write(".cache/1", [1])
    let watch = try FolderWatch([Array(folder.path.utf8)])
    folder.write(".cache/2", [1])
    #expect(try !watch.waitForChange(milliseconds: 100))
  }
}
