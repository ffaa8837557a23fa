import BLIP
import Captions
import Checkpoints
import Images
import Tensors
import TestSupport
import Testing

@testable import Training

/// Pictures that only exist as names; what `drawn` reads under them differs.
func named(_ numbers: Range<Int>, captions: Int = 3) -> [CaptionedPicture] {
  numbers.map { number in
    CaptionedPicture(
      path: "\(number).jpg", captions: (0..<captions).map { "picture \(number) words \($0)" })
  }
}

/// A picture for a name, coloured noise of its own.
func drawn(_ path: String, side: Int = 40) -> Picture {
  let key = path.utf8.reduce(UInt64(7)) { $0 &* 131 &+ UInt64($1) }
  var draws = SplitMix64(key: key)
  let colour = (0..<3).map { _ in draws.below(200) }
  let pixels = (0..<side * side * 3).map { UInt8(colour[$0 % 3] + draws.below(56)) }
  return Picture(width: side, height: side, pixels: pixels)
}

@Suite("Training sets and epochs")
struct DataTests {
  private func set(_ pictures: [CaptionedPicture]) -> TrainingSet {
    TrainingSet(pictures) { text in [2] + text.utf8.prefix(6).map { Int32($0 % 90) } + [3] }
  }

  private let mixed =
    named(0..<20)
    + (20..<40).map {
      CaptionedPicture(path: "\($0).jpg", label: $0 < 32 ? "daisy" : "animal \($0)")
    }

  @Test("a label becomes sentences with its article")
  func labels() {
    #expect(CaptionedPicture(path: "", label: "tench").captions.contains("a photo of a tench"))
    #expect(CaptionedPicture(path: "", label: "otter").captions.contains("a photo of an otter"))
  }

  @Test("pictures of a label belong together, pictures without captions are left out")
  func groups() {
    let set = set(mixed + [CaptionedPicture(path: "bare.jpg", captions: [])])
    #expect(set.pictures.count == 40)
    #expect(Set(set.groups[20..<32]).count == 1)
    #expect(Set(set.groups).count == 29)
    #expect(set.pairsInEpoch == 20 * 3 + 20)
  }

  @Test("an epoch shows every caption at most once, and of a label's one")
  func epoch() {
    let set = set(mixed)
    let plan = EpochPlan(set, pictures: Array(set.pictures.indices), batch: 8, seed: 1, epoch: 0)
    let pairs = plan.batches.flatMap { $0 }
    #expect(plan.batches.allSatisfy { $0.count == 8 })
    #expect(Set(pairs.map { [$0.picture, $0.caption] }).count == pairs.count)
    for picture in 20..<40 { #expect(pairs.count { $0.picture == picture } <= 1) }
    // What is left out does not fill a batch, or has only company of its own group left.
    #expect(pairs.count >= set.pairsInEpoch - 8 - 12)
  }

  @Test("no batch has two pictures of one group")
  func apart() {
    let set = set(mixed)
    for epoch in 0..<4 {
      let plan = EpochPlan(
        set, pictures: Array(set.pictures.indices), batch: 16, seed: 3, epoch: epoch)
      #expect(!plan.batches.isEmpty)
      for batch in plan.batches {
        #expect(Set(batch.map { set.groups[$0.picture] }).count == batch.count)
      }
    }
  }

  @Test("the same seed and epoch give the same batches, another epoch others")
  func seeded() {
    let set = set(mixed)
    func batches(_ epoch: Int) -> [[TrainingPair]] {
      EpochPlan(set, pictures: Array(0..<40), batch: 8, seed: 5, epoch: epoch).batches
    }
    #expect(batches(1) == batches(1))
    #expect(batches(1) != batches(2))
  }

  @Test("a batch larger than the set is the set")
  func small() {
    let set = set(named(0..<5))
    let plan = EpochPlan(set, pictures: Array(0..<5), batch: 64, seed: 1, epoch: 0)
    #expect(plan.batches.count == 3 && plan.batches.allSatisfy { $0.count == 5 })
  }

  @Test("the held-out pictures are a share, the same for a seed, and never labelled ones")
  func split() throws {
    let split = try HeldOutSplit(mixed, share: 0.25, seed: 9)
    #expect(split.heldOut.count == 5 && split.heldOut.allSatisfy { $0 < 20 })
    #expect((split.heldOut + split.training).sorted() == Array(0..<40))
    #expect(try HeldOutSplit(mixed, share: 0.25, seed: 9) == split)
    #expect(try HeldOutSplit(mixed, share: 0.25, seed: 10) != split)
    #expect(try HeldOutSplit(named(0..<2), share: 0.0001, seed: 1).heldOut.count == 1)
    #expect(try HeldOutSplit(named(0..<2), share: 0.99, seed: 1).training.count == 1)
    #expect(throws: TrainingError.self) { try HeldOutSplit(named(0..<1), share: 0.5, seed: 1) }
  }
}

@Suite("The stem's cache", .ownsProcess)
struct StemCacheTests {
  /// The default model, which has a stem.
  static let model = try! BLIPModel(folder: ModelFolder(path: Checkout.defaultModel))

  private func cache(
    _ path: String, _ names: [String], seed: UInt64 = 1, stopAfter: Int = .max,
    layers: Int = 64, failing: String? = nil, reads: Counter = Counter(),
    failures: Counter = Counter()
  ) throws -> StemCache? {
    try StemCache(
      at: path, of: names, model: Self.model, layers: layers,
      .init(augmentation: Augmentation(scale: 0.5...1), views: 1, seed: seed),
      read: { path, _ in
        reads.add()
        if path == failing { throw TrainingError("damaged") }
        return drawn(path)
      }, shouldStop: { reads.value >= stopAfter },
      report: { if case .failed = $0 { failures.add() } })
  }

  @Test("holds what the stem makes of the plain picture, and of an augmented view")
  func contents() throws {
    let path = TemporaryFolder().path + "/stem.cache"
    let cache = try #require(try cache(path, ["a", "b"]))
    let pixels = Self.model.pixels(of: drawn("b"))
    let output = try #require(try Self.model.stemOutput(of: pixels, layers: 64))
    let map = cache.map(picture: 1, view: 0)
    #expect((map.height, map.width, map.channels) == (output.height, output.width, output.channels))
    for (kept, exact) in zip(map.pixels.values, output.pixels.values) {
      #expect(abs(kept - exact) <= abs(exact) / 256)
    }
    #expect(cache.views == 2)
    #expect(cache.map(picture: 1, view: 1) != map)
    #expect(cache.map(picture: 0, view: 0) != map)
  }

  @Test("goes on where it was stopped, and is not made twice; a bad picture is left out")
  func resume() throws {
    let path = TemporaryFolder().path + "/stem.cache"
    let names = ["a", "b", "c", "d", "e"]
    let first = Counter()
    #expect(try cache(path, names, stopAfter: 2, reads: first) == nil)
    let (second, failures) = (Counter(), Counter())
    let cache = try #require(
      try self.cache(path, names, failing: "e", reads: second, failures: failures))
    #expect(first.value + second.value == names.count)
    #expect(failures.value == 1 && cache.unreadable == [4] && !cache.holds(4) && cache.holds(0))
    let third = Counter()
    _ = try self.cache(path, names, reads: third)
    #expect(third.value == 0)
    // So do other layers make other numbers.
    let fewer = try #require(try self.cache(path, names, layers: 48, reads: third))
    #expect(third.value == names.count && fewer.map(picture: 0, view: 0).channels == 208)
    // Another seed makes other views.
    _ = try self.cache(path, names, seed: 2, reads: third)
    #expect(third.value == 2 * names.count)
  }

  @Test("another file is not written over")
  func foreign() throws {
    let path = TemporaryFolder().write("notes.txt", Array("something else".utf8))
    let error = #expect(throws: TrainingError.self) { try cache(path, ["a"]) }
    #expect(error?.description.contains("not a stem cache") == true)
  }
}
