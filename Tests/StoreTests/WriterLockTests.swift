import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Store

@Suite("One writer at a time")
struct WriterLockTests {
  @Test("a second writer is told who has the index, and gets it when the first has ended")
  func second() throws {
    let index = TemporaryFolder().path + "/index"
    var told: [String] = []
    func take(stopping: Bool) throws -> WriterLock? {
      try WriterLock.take(
        of: index, shouldStop: { stopping }, whenHeld: { told.append($0) })
    }
    var first = try take(stopping: true)
    #expect(first?.waited == false)
    #expect(try take(stopping: true) == nil)
    #expect(told == ["process \(getpid())"])
    withExtendedLifetime(first) {}
    first = nil
    #expect(try take(stopping: true) != nil)
  }

  @Test("nothing is written into a folder of other things") func foreign() throws {
    let folder = TemporaryFolder()
    folder.write("letter.txt", Array("dear".utf8))
    let error = #expect(throws: RetrievalError.self) {
      try WriterLock.take(of: folder.path, shouldStop: { false }, whenHeld: { _ in })
    }
    #expect(error?.description.contains("letter.txt") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["letter.txt"])
  }

  @Test("the lock alone makes no index") func vacant() throws {
    let folder = TemporaryFolder()
    _ = try WriterLock.take(of: folder.path, shouldStop: { false }, whenHeld: { _ in })
    #expect(try IndexStore.metadata(at: folder.path) == nil)
  }
}
