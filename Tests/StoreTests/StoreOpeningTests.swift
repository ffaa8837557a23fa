import BLIP
import Glibc
import LMDB
import Store
import StoreTestSupport
import Tensors
import TestSupport
import Testing

@Suite struct OpeningAStore {
  private typealias Fixture = StoreFixture

  /// The folder of an index of one picture that nobody has open.
  private func closedIndex() throws -> String {
    let fixture = try Fixture()
    _ = try fixture.store.write {
      try $0.put(
        Fixture.record("a.jpg"), embedding: Fixture.embedding(1), features: Fixture.features(1))
    }
    return fixture.path
  }

  private func expectRefusal(
    _ words: String..., of path: String, _ change: (inout IndexMetadata) -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var metadata = Fixture.metadata()
    change(&metadata)
    #expect(sourceLocation: sourceLocation) {
      try IndexStore.openForWriting(path, metadata: metadata)
    } throws: { error in words.allSatisfy("\(error)".contains) }
  }

  @Test func againFindsWhatWasCommitted() throws {
    let path = try closedIndex()
    do {
      let store = try IndexStore.open(path)
      try store.read { snapshot throws in
        #expect(snapshot.metadata == Fixture.metadata())
        #expect(try snapshot.picture(1) == Fixture.record("a.jpg"))
      }
      #expect(store.warning == nil)
      #expect(throws: RetrievalError.self) { try store.write { try $0.removePicture(1) } }
    }
    do {
      let store = try IndexStore.openForWriting(path, metadata: Fixture.metadata())
      var metadata = store.metadata
      (metadata.name, metadata.model.path) = ("n", "/m")
      metadata.roots = CollectionRoots([
        CollectionRoot(number: 0, path: "/c"), CollectionRoot(number: 12, path: "/d"),
      ])
      metadata.settings = CollectionSettings(exclude: ["*.gif", "!a.gif"], followsLinks: true)
      try store.write { [metadata] in try $0.update(metadata) }
      #expect(store.metadata == metadata)
    }
    let metadata = try IndexStore.open(path).metadata
    #expect([metadata.name, metadata.collection, metadata.model.path] == ["n", "/c", "/m"])
    #expect(metadata.roots.all.map(\.path) == ["/c", "/d"] && metadata.roots[12]?.path == "/d")
    #expect(
      metadata.settings == CollectionSettings(exclude: ["*.gif", "!a.gif"], followsLinks: true))
  }

  @Test func anAbortedWriteLeavesNothing() throws {
    struct Stop: Error {}
    let fixture = try Fixture()
    #expect(throws: Stop.self) {
      try fixture.store.write { change in
        let id = try change.put(
          Fixture.record("a"), embedding: Fixture.embedding(1), features: Fixture.features(1))
        try change.setTexts([("x", Fixture.embedding(1))], of: id)
        throw Stop()
      }
    }
    #expect(try fixture.counts().values.allSatisfy { $0 == 0 })
    let id = try fixture.store.write {
      try $0.put(Fixture.record("b"), embedding: Fixture.embedding(1), features: nil)
    }
    #expect(id == 1)
  }

  @Test func withAnotherModelNamesBoth() throws {
    let path = try closedIndex()
    expectRefusal("blip-mini (0123456789ab)", "blip-large (fedcba987654", of: path) {
      $0.model.name = "blip-large"
      $0.model.fingerprint = "fedcba9876543210"
    }
    expectRefusal("are bf16, not int8", "use bf16", of: path) { $0.features = .int8 }
    expectRefusal("are fp32, not int8", "use fp32", of: path) {
      $0.precision = .int8
    }
    expectRefusal("embedding size 8, not 16", of: path) { $0.sizes.embedding = 16 }
    expectRefusal("image size 224, not 384", of: path) { $0.sizes.image = 384 }
    expectRefusal("feature rows", of: path) { $0.sizes.featureRows = 4 }
    expectRefusal("feature columns", of: path) { $0.sizes.featureColumns = 4 }
    expectRefusal("embedding size 0", of: path + "-new") { $0.sizes.embedding = 0 }
    expectRefusal("features", of: path + "-new") {
      ($0.sizes.featureRows, $0.sizes.featureColumns) = (1 << 20, 1 << 20)
    }
    // What may change between runs is no reason to refuse, and is not changed by opening.
    var metadata = Fixture.metadata()
    (metadata.name, metadata.roots, metadata.model.path) = (
      "other", CollectionRoots("/other"), "/other"
    )
    let store = try IndexStore.openForWriting(path, metadata: metadata)
    #expect(store.metadata == Fixture.metadata())
  }

  @Test func thePrecisionIsKept() throws {
    for precision in [Precision.fp32, .bf16, .int8] {
      let path = TemporaryFolder().path + "/index"
      let metadata = Fixture.metadata(precision: precision)
      do { _ = try IndexStore.openForWriting(path, metadata: metadata) }
      #expect(try IndexStore.open(path).metadata.precision == precision)
    }
    #expect(Fixture.metadata(precision: .auto).precision != .auto)
  }

  @Test(arguments: ["0", "99"]) func ofAnotherFormatIsRefused(_ format: String) throws {
    let path = try closedIndex()
    try rewrite(path) { transaction in
      try Table<UTF8Text, UTF8Text>(opening: "meta", in: transaction)
        .put("format_version", format, in: transaction)
    }
    #expect { try IndexStore.open(path) } throws: {
      "\($0)".contains("format") && "\($0)".contains("index again")
    }
    expectRefusal("format", of: path) { _ in }
  }

  @Test func whereThereIsNoneIsAnError() throws {
    let folder = TemporaryFolder()
    for path in [folder.path, folder.path + "/none"] {
      #expect { try IndexStore.open(path) } throws: {
        ($0 as? RetrievalError)?.code == .noIndex
      }
    }
    for path in ["", "a\0b"] {
      #expect(throws: RetrievalError.self) { try IndexStore.open(path) }
      expectRefusal("not a valid index path", of: path) { _ in }
    }
    let file = folder.write("file", [1])
    #expect { try IndexStore.open(file) } throws: { "\($0)".contains("not a directory") }
    expectRefusal("not a directory", of: file) { _ in }
    expectRefusal("not a directory", of: file + "/below") { _ in }
    expectRefusal("cannot create the index directory", of: "/proc/none/index") { _ in }
  }

  @Test func aFolderOfOtherThingsIsNotTurnedIntoAnIndex() throws {
    let folder = TemporaryFolder()
    folder.write("letter.txt", [1])
    expectRefusal("letter.txt", of: folder.path) { _ in }
    #expect(throws: RetrievalError.self) { try IndexStore.open(folder.path) }
    #expect(access(folder.path + "/data.mdb", F_OK) != 0)
  }

  @Test func aRunThatDiedBeforeItStoredAnythingIsNoObstacle() throws {
    // Killed with only the lock file made; killed with the file made and nothing committed.
    let locked = TemporaryFolder()
    locked.write("lock.mdb", [])
    _ = try IndexStore.openForWriting(locked.path, metadata: Fixture.metadata())
    // Killed between the making of the file and the first write to it.
    let unwritten = TemporaryFolder()
    unwritten.write("data.mdb", [])
    #expect(try IndexStore.metadata(at: unwritten.path) == nil)
    #expect { try IndexStore.open(unwritten.path) } throws: { "\($0)".contains("no index here") }
    _ = try IndexStore.openForWriting(unwritten.path, metadata: Fixture.metadata())
    let empty = TemporaryFolder()
    do { _ = try Environment(empty.path, access: .readWrite) }
    #expect(try IndexStore.metadata(at: empty.path) == nil)
    #expect { try IndexStore.open(empty.path) } throws: { "\($0)".contains("no index here") }
    do { _ = try IndexStore.openForWriting(empty.path, metadata: Fixture.metadata()) }
    #expect(try IndexStore.metadata(at: empty.path) == Fixture.metadata())
  }

  @Test func aDataFileOfAnotherProgramIsLeftAlone() throws {
    let folder = TemporaryFolder()
    try rewrite(folder.path) { transaction in
      _ = try Table<UTF8Text, UTF8Text>(opening: "theirs", in: transaction, create: true)
    }
    #expect { try IndexStore.open(folder.path) } throws: { "\($0)".contains("not an index") }
    expectRefusal("not an index", of: folder.path) { _ in }
    let environment = try Environment(folder.path, access: .readOnly)
    #expect {
      try environment.read { try Table<RawBytes, RawBytes>(opening: "meta", in: $0) }
    } throws: { ResultCode.notFound ~= $0 }
  }

  @Test(arguments: [Array("this is no LMDB file".utf8), Array(repeating: 0xA5, count: 50_000)])
  func aSpoiltDataFileIsNamed(_ bytes: [UInt8]) throws {
    let folder = TemporaryFolder()
    let file = folder.write("data.mdb", bytes)
    #expect { try IndexStore.open(folder.path) } throws: {
      "\($0)".hasPrefix(file) && $0 is RetrievalError
    }
    expectRefusal(file, "repair it", of: folder.path) { _ in }
  }

  @Test func twiceInAProcessIsAnError() throws {
    let fixture = try Fixture()
    #expect { try IndexStore.open(fixture.path) } throws: { "\($0)".contains("already open") }
    withExtendedLifetime(fixture) {}
  }

  @Test func aFolderThatCannotBeWrittenIsReadWithAWarning() async throws {
    let path = try closedIndex()
    let parts = path.split(separator: "/")
    for count in 2..<parts.count {
      #expect(chmod("/" + parts.prefix(count).joined(separator: "/"), 0o711) == 0)
    }
    #expect(unlink(path + "/lock.mdb") == 0 && chmod(path, 0o555) == 0)
    await #expect(processExitsWith: .success) { [path = path as String] in
      if geteuid() == 0 { try #require(setuid(65534) == 0) }
      let store = try IndexStore.open(path)
      try #require(try store.read { try $0.picture(1) } == StoreFixture.record("a.jpg"))
      try #require(store.warning?.contains("cannot be written") == true)
      #expect {
        try IndexStore.openForWriting(path, metadata: StoreFixture.metadata())
      } throws: { $0 is RetrievalError }
    }
  }
}
