import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// The index of a collection that changes at random, by runs that are killed at random, held against
/// the truth after each.
struct TorturedIndex {
  /// Kills that ended a run.
  private(set) var kills = 0
  /// Kills that came when the run had just ended by itself.
  private(set) var late = 0
  /// Runs that ended by themselves.
  private(set) var finished = 0
  /// What the index was like after each kill: how far the run had come.
  private(set) var landings: [Landing: Int] = [:]

  enum Landing: String, CaseIterable {
    case early = "before it knew what to do"
    case encoding = "with pictures to add"
    case dropping = "with pictures to drop"
    case embedding = "with texts to embed"
    case ending = "with all of it done"
  }

  private var random: SplitMix64
  private var truth = ChangingCollection()
  /// The paths that the index held when it was last looked at.
  private var held: Set<String> = []
  /// Seconds that the last run took which ended by itself.
  private var usual = 0.0

  private var collection: Collection { truth.collection }

  init(seed: UInt64) throws {
    random = SplitMix64(seed: seed)
    try finish()
  }

  /// Some changes, a run that is killed, now and then one that is not.
  mutating func round() throws {
    for _ in 0..<Int.random(in: 1...6, using: &random) { truth.change(using: &random) }
    if Int.random(in: 0..<40, using: &random) == 0 {
      // It may be away since the last time.
      try? FileManager.default.removeItem(atPath: collection.index)
      held = []
    }
    let process = start()
    Bool.random(using: &random) ? waitAWhile() : waitForWrites(of: process)
    usleep(.random(in: 0...3000, using: &random))
    kill(process.id, SIGKILL)
    let outcome = process.outcome()
    if outcome.status == 128 + SIGKILL {
      kills += 1
      landings[try inspect(after: outcome), default: 0] += 1
    } else {
      late += 1
      try expectTruth(after: outcome)
    }
    if Int.random(in: 0..<8, using: &random) == 0 { try finish() }
  }

  /// A run that nothing disturbs.
  mutating func finish() throws {
    let begin = ContinuousClock.now
    let outcome = start().outcome()
    usual = (ContinuousClock.now - begin) / .seconds(1)
    finished += 1
    try expectTruth(after: outcome)
  }

  private func start() -> BlipProcess {
    BlipProcess(["index"] + truth.arguments + ["--index", collection.index])
  }

  /// Any moment of a usual run, from its first instruction to its end.
  private mutating func waitAWhile() {
    usleep(UInt32(.random(in: 0...usual * 1.1, using: &random) * 1e6))
  }

  /// The moment at which the run has written to its index for the n-th time: within a commit.
  private mutating func waitForWrites(of process: BlipProcess) {
    var awaited = Int.random(in: 1...4, using: &random)
    var last = written()
    while awaited > 0, !process.hasEnded {
      usleep(100)
      let now = written()
      if now != last { awaited -= 1 }
      last = now
    }
  }

  /// When `data.mdb` was last written to, and how long it is.
  private func written() -> [Int] {
    var status = stat()
    guard stat(collection.index + "/data.mdb", &status) == 0 else { return [] }
    return [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, Int(status.st_size)]
  }

  /// After any run: the index opens, holds all that it held, and nothing that never was.
  @discardableResult
  private mutating func inspect(after run: Outcome) throws -> Landing {
    let lines = try list("anything")
    let listed = Set(lines.map(\.path))
    let files = Set(truth.indexed.keys)
    #expect(lines.count == listed.count, "\(self): paths that are listed twice")
    let lost = held.intersection(files).subtracting(listed)
    #expect(lost.isEmpty, "\(self): lost \(lost.sorted())")
    let invented = listed.subtracting(held).subtracting(files)
    #expect(invented.isEmpty, "\(self): never were \(invented.sorted())")
    held = listed

    if !run.errors.contains("blip: found") { return .early }
    if !files.isSubset(of: listed) { return .encoding }
    if listed != files { return .dropping }
    return captions(of: lines) == truth.captionsOfPictures ? .ending : .embedding
  }

  /// After a run that has ended by itself: the index holds what the collection holds.
  private mutating func expectTruth(after run: Outcome) throws {
    try #require(run.status == 0, "\(self): \(run.errors)")
    try inspect(after: run)
    #expect(held == Set(truth.indexed.keys), "\(self): ghosts or pictures that were left out")
    #expect(captions(of: try list("anything")) == truth.captionsOfPictures, "\(self)")
    for path in held.sorted().shuffled(using: &random).prefix(2) {
      let lines = try list("\(collection.pictures)/\(path)")
      let cosine = try #require(lines.first { $0.path == path }?.cosine)
      #expect(cosine > 0.9999, "\(self): \(path) is found at \(cosine)")
    }
  }

  /// All pictures of the index, by a search for a text or a picture.
  private func list(_ query: String) throws -> [PictureLine] {
    let info = blip("info", "--index", collection.index, "--json")
    // A run that was killed before its first commit leaves no index, which is none that was lost.
    if held.isEmpty, info.errors.contains("there is no index here") { return [] }
    try #require(info.status == 0, "\(self): \(info.errors)")
    let search = blip(
      "search", query, "--index", collection.index, "--json", "-k", "10000", "--all", "--rerank",
      "0")
    try #require(search.status == 0, "\(self): \(search.errors)")
    // In an index of several folders pictures are called by where they lie.
    let lines = try search.objects(PictureLine.self).map { line in
      line.called(String(line.path.dropFirst(collection.pictures.count + 1)))
    }
    #expect(try info.objects(Info.self).first?.pictures == lines.count, "\(self)")
    return lines
  }

  private func captions(of lines: [PictureLine]) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: lines.compactMap { line in
        line.captions?.first.map { (line.path, $0) }
      })
  }
}

extension PictureLine {
  /// The same picture by another name.
  fileprivate func called(_ path: String) -> PictureLine {
    PictureLine(
      path: path, location: location, cosine: cosine, probability: probability, itm: itm,
      match_probability: match_probability, captions: captions, improbable: improbable)
  }
}

extension TorturedIndex: CustomStringConvertible {
  /// How far it has come.
  var description: String {
    let places = Landing.allCases.map { "\(landings[$0] ?? 0) \($0.rawValue)" }
    return "\(kills) kills (\(places.joined(separator: ", "))), \(late) too late, "
      + "\(finished) undisturbed runs"
  }
}
