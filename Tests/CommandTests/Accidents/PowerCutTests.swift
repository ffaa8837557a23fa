import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// What a disk may hold of a file after a power cut: all that was flushed, and of what was written since
/// any sectors or none.
private struct Disk {
  private var flushed: [UInt8]
  private var pending: [DiskTrace.Event] = []
  private static let sector = 512

  init(_ bytes: [UInt8]) { flushed = bytes }

  mutating func take(_ event: DiskTrace.Event) {
    switch event {
    case .flush:
      for event in pending { Self.apply(event, to: &flushed) }
      pending = []
    case .write(_, _, isDurable: true): Self.apply(event, to: &flushed)
    default: pending.append(event)
    }
  }

  /// The file if the power fails now.
  func image(keeping isKept: () -> Bool) -> [UInt8] {
    var image = flushed
    for event in pending.flatMap(Self.sectors) where isKept() { Self.apply(event, to: &image) }
    return image
  }

  private static func sectors(of event: DiskTrace.Event) -> [DiskTrace.Event] {
    guard case .write(let bytes, let offset, let isDurable) = event else { return [event] }
    return stride(from: 0, to: bytes.count, by: sector).map { start in
      .write(
        Array(bytes[start..<min(start + sector, bytes.count)]), at: offset + start,
        isDurable: isDurable)
    }
  }

  private static func apply(_ event: DiskTrace.Event, to image: inout [UInt8]) {
    switch event {
    case .write(let bytes, let offset, _):
      let missing = offset + bytes.count - image.count
      if missing > 0 { image += [UInt8](repeating: 0, count: missing) }
      image.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    case .resize(let size):
      image = Array(image.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - image.count))
    case .flush: break
    }
  }
}

/// The writes of a run are traced and written again into a copy, up to any moment, without what had not
/// been flushed by then.
@Suite(
  "A power cut while pictures are indexed",
  .enabled(if: DiskTrace.isPossible, "needs strace and the right to trace"))
struct PowerCutTests {
  @Test("leaves the last commit or the one before, whole, and the next run does the rest")
  func update() throws {
    let collection = Collection(pictures: 12, captions: true)
    collection.update()
    let file = collection.index + "/data.mdb"
    let before = readBytes(file)
    for number in 0..<6 { collection.remove(Collection.name(number)) }
    for number in 12..<24 { collection.add(Collection.name(number), Drawing.mosaic(number)) }
    collection.add(Collection.name(20, "txt"), Array("a mosaic\n".utf8))
    let trace = try DiskTrace(
      of: file, ["index", collection.pictures, "--index", collection.index])
    #expect(trace.outcome.status == 0, "\(trace.outcome.errors)")

    var random = SplitMix64(seed: 1)
    var disk = Disk(before)
    var commits = [try #require(try pictures(of: before))]
    var images: [(image: [UInt8], commit: Int)] = []
    for event in trace.events {
      // In the midst of the call: nothing of what was not flushed, some of it, all of it.
      images.append((disk.image { false }, commits.count - 1))
      images.append((disk.image { Bool.random(using: &random) }, commits.count - 1))
      disk.take(event)
      images.append((disk.image { true }, commits.count - 1))
      if case .write(_, _, isDurable: true) = event {
        commits.append(try #require(try pictures(of: disk.image { false })))
      }
    }
    #expect(commits.count > 3 && disk.image { true } == readBytes(file))
    #expect(commits.last == Set((6..<24).map { Collection.name($0) }))

    for (image, commit) in images.shuffled(using: &random).prefix(Self.trials) {
      let held = try pictures(of: image)
      let allowed = commits[commit...min(commit + 1, commits.count - 1)]
      #expect(held.map(allowed.contains) == true, "\(held ?? []) after commit \(commit)")
    }
    let last = try #require(images.randomElement(using: &random))
    let folder = TemporaryFolder()
    folder.write("data.mdb", last.image)
    #expect(blip("index", collection.pictures, "--index", folder.path).status == 0)
    #expect(try pictures(of: readBytes(folder.path + "/data.mdb")) == commits.last)
  }

  @Test("just as the index is made leaves nothing in the way of the next run")
  func creation() throws {
    let collection = Collection(pictures: 1)
    mkdir(collection.index, 0o755)
    let trace = try DiskTrace(
      of: collection.index + "/data.mdb",
      ["index", collection.pictures, "--index", collection.index])
    var disk = Disk([])
    var images: [[UInt8]] = []
    for event in trace.events {
      images += [disk.image { false }, disk.image { true }].filter { !images.contains($0) }
      disk.take(event)
    }
    #expect(images.count > 3)
    // Up to the first commits; what comes after is as with any other run.
    for image in images.prefix(6) {
      let folder = TemporaryFolder()
      folder.write("data.mdb", image)
      let next = blip("index", collection.pictures, "--index", folder.path)
      #expect(next.status == 0, "\(image.count) bytes: \(next.errors)")
    }
  }

  /// BLIP_POWER_CUTS=1000 tries more moments.
  private static let trials =
    getenv("BLIP_POWER_CUTS").flatMap { Int(String(cString: $0)) } ?? 12

  /// The pictures of an index whose `data.mdb` holds these bytes; nil where it cannot be opened.
  private func pictures(of bytes: [UInt8]) throws -> Set<String>? {
    let folder = TemporaryFolder()
    folder.write("data.mdb", bytes)
    let search = blip("search", "stripes", "--index", folder.path, "--json", "-k", "100", "--all")
    guard search.status == 0 else {
      Issue.record("\(search.errors)")
      return nil
    }
    try FileManager.default.removeItem(atPath: folder.path)
    return Set(try search.objects(PictureLine.self).map(\.path))
  }
}
