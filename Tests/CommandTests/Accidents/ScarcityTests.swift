import Glibc
import TestSupport
import Testing

@Suite("An index without room, rights or descriptors") struct ScarcityTests {
  @Test(
    "A full disk: one line that says so, all that was committed, and the rest once there is room",
    .enabled(if: SmallDisk.isPossible, "needs the right to mount a file system"))
  func fullDisk() throws {
    let collection = Collection(pictures: 2)
    let disk = SmallDisk(kibibytes: 180)
    let index = disk.path + "/index"
    func update() -> Outcome {
      blip(
        "index", collection.pictures, "--index", index, "--features", "none",
        launcher: disk.launcher)
    }
    func held() throws -> Int? {
      let outcome = blip("info", "--index", index, "--json", launcher: disk.launcher)
      return try outcome.objects(Info.self).first?.pictures
    }
    #expect(update().status == 0)
    for number in 2..<14 { collection.add(Collection.name(number), Drawing.mosaic(number)) }
    let full = update()
    #expect(full.status == 1 && full.output.isEmpty)
    expectFullDisk(full)
    #expect(try held() ?? 0 >= 2)
    disk.resize(kibibytes: 10_000)
    #expect(update().status == 0)
    #expect(try held() == 14)
  }

  @Test(
    "A disk that is full from the start, whatever still fits, holds an index once there is room",
    .enabled(if: SmallDisk.isPossible, "needs the right to mount a file system"),
    arguments: [4, 8, 12, 16, 40])
  func neverAnyRoom(kibibytes: Int) throws {
    let collection = Collection(pictures: 1)
    let disk = SmallDisk(kibibytes: kibibytes)
    let index = disk.path + "/index"
    let full = blip("index", collection.pictures, "--index", index, launcher: disk.launcher)
    #expect(full.status == 1)
    expectFullDisk(full)
    disk.resize(kibibytes: 10_000)
    let next = blip("index", collection.pictures, "--index", index, launcher: disk.launcher)
    #expect(next.status == 0, "\(next.errors)")
  }

  @Test(
    "A file that may not grow further: one line, and all that was committed",
    .notUnderThreadSanitizer)
  func limitedFile() throws {
    let collection = Collection(pictures: 2)
    collection.update()
    let before = try collection.info().pictures
    for number in 2..<14 { collection.add(Collection.name(number), Drawing.mosaic(number)) }
    // In KiB.
    let full = blip(
      "index", collection.pictures, "--index", collection.index,
      launcher: ["/bin/bash", "-c", "ulimit -f 80; exec \"$0\" \"$@\""])
    #expect(full.status == 1)
    expectFullDisk(full)
    #expect(try collection.info().pictures >= before)
    #expect(collection.update().status == 0)
    #expect(try collection.info().pictures == 14)
  }

  @Test(
    "A folder that may only be read: indexing says so in a line, searching works",
    .enabled(if: Unprivileged.launcher != nil, "needs a user without privileges"))
  func readOnly() throws {
    let launcher = Unprivileged.launcher ?? []
    let collection = Collection(pictures: 2)
    collection.update()
    chmod(collection.folder.path, 0o755)
    chmod(collection.folder.parent, 0o711)
    // Root's files cannot be written by others; one's own are made so.
    chmod(collection.index, 0o555)
    for file in ["data.mdb", "lock.mdb"] { chmod("\(collection.index)/\(file)", 0o444) }
    collection.add("new.jpg", Drawing.mosaic(3))
    expectFailure(
      blip("index", collection.pictures, "--index", collection.index, launcher: launcher),
      mentions: collection.index, "permission")
    let search = blip(
      "search", "stripes", "--index", collection.index, "--json", launcher: launcher)
    #expect(try search.objects(PictureLine.self).count == 2, "\(search.errors)")
  }

  @Test(
    "Few file descriptors: it works or says so in a line, and nothing is lost",
    .notUnderThreadSanitizer, arguments: [5, 6, 7, 8, 9, 10, 11, 12, 16])
  func fewDescriptors(limit: Int) throws {
    let collection = Collection(pictures: 2)
    collection.update()
    collection.add("new.jpg", Drawing.mosaic(3))
    let outcome = blip(
      "index", collection.pictures, "--index", collection.index,
      launcher: ["/bin/bash", "-c", "ulimit -n \(limit); exec \"$0\" \"$@\""])
    #expect([0, 1].contains(outcome.status))
    #expect(outcome.status == 0 || outcome.errors.contains("Too many open files"))
    #expect(try collection.info().pictures >= 2)
    #expect(collection.update().status == 0)
    #expect(try collection.info().pictures == 3)
  }

  @Test(
    "Too little address space: one line at once, whatever the command",
    .notUnderSanitizers, arguments: [160_000, 240_000, 300_000])
  func littleAddressSpace(kibibytes: Int) {
    let collection = Shared.collection
    let picture = "\(collection.pictures)/\(Collection.name(0))"
    for command in [
      ["index", collection.pictures, "--index", TemporaryFolder().path + "/index"],
      ["search", "stripes", "--index", collection.index], ["caption", picture],
    ] {
      let begin = ContinuousClock.now
      let outcome = BlipProcess(
        command, launcher: ["/bin/bash", "-c", "ulimit -v \(kibibytes); exec \"$0\" \"$@\""]
      ).outcome()
      #expect(ContinuousClock.now - begin < .seconds(30))
      #expect([0, 1].contains(outcome.status), "\(outcome.errors)")
      let line = outcome.errorLines.last ?? ""
      #expect(
        outcome.status == 0 || line.hasPrefix("blip: ") && line.contains("ulimit -v"),
        "\(outcome.errors)")
    }
  }

  @Test(
    "Too few threads: one line at once",
    .enabled(if: Unprivileged.launcher != nil, "needs a user without privileges"),
    .notUnderThreadSanitizer, arguments: [1, 2, 4])
  func fewThreads(limit: Int) {
    // Of a user of its own, since the limit is that of all processes of a user.
    var launcher = Unprivileged.launcher ?? []
    if !launcher.isEmpty { launcher[1] = "--reuid=65531" }
    let outcome = blip(
      "search", "stripes", "--index", "/none",
      launcher: launcher + ["/bin/bash", "-c", "ulimit -u \(limit); exec \"$0\" \"$@\""])
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("blip: too few threads: blip needs "), "\(outcome.errors)")
    #expect(outcome.errorLines.count == 1)
  }

  /// The last line says what is the matter and what to do.
  private func expectFullDisk(
    _ outcome: Outcome, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let line = outcome.errorLines.last ?? ""
    #expect(line.hasPrefix("blip: "), "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(line.contains("run again"), "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(
      outcome.errorLines.count { $0.contains("run again") } == 1, sourceLocation: sourceLocation)
  }
}
