import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// The object of `blip check --json`.
private struct Check: Decodable {
  struct Fault: Decodable {
    let table: String
    let repair: String
    let count: Int
    let examples: [String]
  }
  struct Table: Decodable {
    let name: String
    let entries: Int
  }
  struct Repaired: Decodable {
    let faults: [Fault]
    let pictures_dropped: Int
    let texts_dropped: Int
  }
  let index: String
  let sound: Bool
  let tables: [Table]
  let faults: [Fault]
  let repaired: Repaired?
}

/// A copy of the shared index, for tests that change it.
private struct CopiedIndex {
  let folder = TemporaryFolder()
  var path: String { folder.path }
  var file: String { path + "/data.mdb" }

  init() { folder.write("data.mdb", readBytes("\(Shared.collection.index)/data.mdb")) }

  /// Changes a letter of each picture's path where it lies in the file.
  func renamePictures() {
    var bytes = readBytes(file)
    let name = Array("picture-0".utf8)
    for start in 0..<bytes.count - name.count
    where bytes[start] == name[0] && Array(bytes[start..<start + name.count]) == name {
      bytes[start] = UInt8(ascii: "P")
    }
    folder.write("data.mdb", bytes)
  }

  /// Fills the last leaf pages with zeros; returns the file.
  func zeroPages() -> [UInt8] {
    var bytes = readBytes(file)
    let pages = (2..<bytes.count / 4096).filter {
      bytes[$0 * 4096] == UInt8(truncatingIfNeeded: $0) && bytes[$0 * 4096 + 10] == 2
    }
    for page in pages.suffix(3) {
      for offset in page * 4096..<(page + 1) * 4096 { bytes[offset] = 0 }
    }
    folder.write("data.mdb", bytes)
    return bytes
  }
}

@Suite("blip check")
struct CheckCommandTests {
  @Test("A sound index: what was looked at, and the exit code 0")
  func sound() throws {
    let outcome = blip("check", "--index", Shared.collection.index)
    #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.lines.last == "sound")
    #expect(outcome.lines.count { $0.hasPrefix("pictures ") && $0.hasSuffix(" 4") } == 1)
    let json = blip("check", "--json", "--index", Shared.collection.index)
    let check = try #require(try json.objects(Check.self).first)
    #expect(json.status == 0 && json.lines.count == 1 && json.errors.isEmpty)
    #expect(check.sound && check.faults.isEmpty && check.tables.count >= 15)
    #expect(check.index == Shared.collection.index && check.repaired == nil)
  }

  @Test(
    "A damaged one: all that is wrong, one line of what to do, and the exit code 1; then mended")
  func damaged() throws {
    let index = CopiedIndex()
    index.renamePictures()
    let outcome = blip("check", "--index", index.path)
    #expect(outcome.status == 1 && outcome.errorLines.count == 1)
    #expect(outcome.errors.contains("to repair, run `blip check --repair --index \(index.path)`"))
    #expect(outcome.output.contains("\n  pictures: 4 (--repair recovers it"))
    #expect(
      outcome.output.contains("checksum is wrong") && !outcome.output.contains("\nsound"))
    let json = blip("check", "--json", "--index", index.path)
    let check = try #require(try json.objects(Check.self).first)
    let pictures = check.faults.first { $0.table == "pictures" }
    #expect(json.status == 1 && !check.sound)
    #expect(pictures?.repair == "reindex" && pictures?.count == 4 && pictures?.examples.count == 4)
    // Nothing is written into it before.
    expectFailure(
      blip("index", Shared.collection.pictures, "--index", index.path), mentions: index.path,
      "run `blip check --repair --index \(index.path)`")

    let repair = blip("check", "--repair", "--json", "--index", index.path)
    let repaired = try #require(try repair.objects(Check.self).first)
    #expect(repair.status == 0 && repaired.sound && repaired.faults.isEmpty)
    #expect(repaired.repaired?.faults.count == check.faults.count)
    #expect(repaired.repaired?.pictures_dropped == 4)
    #expect(repair.errorLines.count == 1 && repair.errors.contains("4 pictures and"))
    let again = blip("check", "--repair", "--index", index.path)
    #expect(again.status == 0 && again.errors.isEmpty && again.lines.last == "sound")
    #expect(blip("index", Shared.collection.pictures, "--index", index.path).status == 0)
    let info = blip("info", "--json", "--index", index.path)
    #expect(try info.objects(Info.self).first?.pictures == 4)
  }

  @Test("Killed at any moment of a repair it is as it was, or repaired, and the next one cleans up")
  func killed() throws {
    let index = CopiedIndex()
    let damaged = index.zeroPages()
    for delay in [5, 20, 40, 60, 80, 100, 130, 180, 250] as [UInt32] {
      index.folder.write("data.mdb", damaged)
      let process = BlipProcess(["check", "--repair", "--index", index.path])
      usleep(delay * 1000)
      kill(process.id, SIGKILL)
      _ = process.outcome()
      if readBytes(index.file) != damaged {
        #expect(blip("check", "--index", index.path).status == 0)
      }
    }
    mkdir(index.path + "/compact.tmp", 0o700)
    index.folder.write("compact.tmp/data.mdb", [1, 2, 3])
    index.folder.write("data.mdb", damaged)
    #expect(blip("check", "--repair", "--index", index.path).status == 0)
    #expect(access(index.path + "/compact.tmp", F_OK) != 0)
  }

  @Test(
    "Without the room for a repair on the disk it says so in one line, and nothing is changed",
    .enabled(if: CompactCommandTests.canMount, "needs unshare -rm"))
  func noRoom() throws {
    let index = CopiedIndex()
    let disk = TemporaryFolder().path
    let room = index.zeroPages().count + (48 << 10)
    let script = """
      mount -t tmpfs -o size=\(room) none \(disk) && cp \(index.file) \(disk) || exit 99
      "$@"; status=$?
      cmp \(index.file) \(disk)/data.mdb && [ ! -e \(disk)/compact.tmp ] || exit 98
      exit $status
      """
    let outcome = BlipProcess(
      ["check", "--repair", "--index", disk],
      launcher: ["unshare", "-rm", "sh", "-c", script, "sh"]
    ).outcome()
    expectFailure(outcome, mentions: disk, "free some")
  }

  @Test("What is no index is one line")
  func notAnIndex() {
    let empty = TemporaryFolder()
    for verb in [["check"], ["check", "--repair"], ["compact"]] {
      expectFailure(
        BlipProcess(verb + ["--index", empty.path]).outcome(), mentions: empty.path, "blip index")
      expectFailure(
        BlipProcess(verb + ["--index", Shared.collection.pictures]).outcome(),
        mentions: Shared.collection.pictures, "not an index directory")
    }
    #expect(try! FileManager.default.contentsOfDirectory(atPath: empty.path).isEmpty)
  }
}

@Suite("blip compact")
struct CompactCommandTests {
  @Test("Gives back what deleted pictures have left; the index answers as before")
  func shrinks() throws {
    let collection = Collection(pictures: 8, captions: true)
    // 8 pictures with features take 200 pages, most of which are free afterwards.
    #expect(collection.update("--features", "bf16").status == 0)
    for number in 2..<8 { collection.remove(Collection.name(number)) }
    #expect(collection.update().status == 0)
    func answer() -> Outcome { blip("search", "a red wall", "--json", "--index", collection.index) }
    let before = answer()
    let bytes = readBytes(collection.index + "/data.mdb").count
    let outcome = blip("compact", "--index", collection.index)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errorLines.count == 1 && outcome.errors.contains("of free disk space"))
    #expect(outcome.lines.map { $0.prefix(6) } == ["before", "after ", "reclai", "index "])
    #expect(readBytes(collection.index + "/data.mdb").count * 2 < bytes)
    let after = answer()
    #expect(after.status == 0 && after.output == before.output && after.lines.count == 2)
    #expect(blip("check", "--index", collection.index).status == 0)
    // Indexing goes on in the new file.
    collection.add(Collection.name(9), Drawing.jpeg(9))
    #expect(collection.update().status == 0)
    #expect(try collection.info().pictures == 3)
    #expect(blip("check", "--index", collection.index).status == 0)
  }

  @Test("While another process has the index open it is refused; who comes meanwhile waits")
  func inUse() throws {
    let index = CopiedIndex()
    let other = open(index.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(other) }
    let before = readBytes(index.file)
    #expect(flock(other, LOCK_SH) == 0)
    expectFailure(
      blip("compact", "--index", index.path), mentions: index.path, "open in another process")
    #expect(readBytes(index.file) == before)
    #expect(flock(other, LOCK_EX) == 0)
    let waiting = BlipProcess(["check", "--index", index.path])
    usleep(500_000)
    #expect(kill(waiting.id, 0) == 0)
    #expect(waitpid(waiting.id, nil, WNOHANG) == 0)
    #expect(flock(other, LOCK_UN) == 0)
    #expect(waiting.outcome().status == 0)
  }

  @Test("An index that is not sound is left as it is")
  func damaged() {
    let index = CopiedIndex()
    index.renamePictures()
    let before = readBytes(index.file)
    let outcome = blip("compact", "--index", index.path)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errorLines.last?.contains("blip check --repair --index \(index.path)") == true)
    #expect(readBytes(index.file) == before)
  }

  @Test("Killed at any moment it leaves a sound index, and the next one cleans up")
  func killed() throws {
    let index = CopiedIndex()
    let left = index.path + "/compact.tmp"
    for delay in [5, 20, 40, 60, 80, 100, 130, 180] as [UInt32] {
      let process = BlipProcess(["compact", "--index", index.path])
      usleep(delay * 1000)
      kill(process.id, SIGKILL)
      _ = process.outcome()
      #expect(blip("check", "--index", index.path).status == 0)
    }
    // As if it had come in the middle of the copy.
    mkdir(left, 0o700)
    index.folder.write("compact.tmp/data.mdb", [1, 2, 3])
    #expect(blip("check", "--index", index.path).status == 0)
    #expect(blip("compact", "--index", index.path).status == 0)
    #expect(access(left, F_OK) != 0)
    #expect(blip("check", "--index", index.path).status == 0)
  }

  /// Whether a file system can be mounted for a process alone.
  static let canMount: Bool = {
    BlipProcess(["--version"], launcher: ["unshare", "-rm"]).outcome().status == 0
  }()

  @Test(
    "Without the room for it on the disk it says so in one line, and nothing is changed",
    .enabled(if: canMount, "needs unshare -rm"))
  func noRoom() throws {
    let index = CopiedIndex()
    let disk = TemporaryFolder().path
    // Room for the file, LMDB's locks and a little more.
    let room = readBytes(index.file).count + (48 << 10)
    let script = """
      mount -t tmpfs -o size=\(room) none \(disk) && cp \(index.file) \(disk) || exit 99
      "$@"; status=$?
      cmp \(index.file) \(disk)/data.mdb && [ ! -e \(disk)/compact.tmp ] || exit 98
      exit $status
      """
    let outcome = BlipProcess(
      ["compact", "--index", disk], launcher: ["unshare", "-rm", "sh", "-c", script, "sh"]
    ).outcome()
    expectFailure(outcome, mentions: disk, "of free disk space", "free some")
  }
}
