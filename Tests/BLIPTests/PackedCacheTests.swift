import Checkpoints
import FoundationEssentials
import Glibc
import Tensors
import TestSupport
import Testing

@testable import BLIP

/// Puts another file in the place of one that may be mapped.
private func replace(_ path: String, _ bytes: [UInt8]) {
  let files = FileManager.default
  let made = files.createFile(atPath: path + ".new", contents: Data(bytes))
  precondition(made && rename(path + ".new", path) == 0)
}

@Suite("The cache of packed weights")
struct PackedCacheTests {
  private static let name = "text-encoder"

  private struct Place {
    let model: BLIPModel
    let folder = TemporaryFolder().path + "/a/b"
    let cache: PackedCache

    init(precision: Precision = .fp32, fingerprint: String? = nil) throws {
      model = try Models.tiny.get()
      cache = PackedCache(
        folder: folder, fingerprint: fingerprint ?? model.folder.fingerprint, precision: precision,
        smallestPart: 0)
    }

    var weights: Weights { model.folder.weights }
    var empty: TextEncoder { TextEncoder(model.folder.configuration, weights: weights) }

    /// The encoder by way of the cache, and whether the checkpoint was read for it.
    func encoder() throws -> (part: TextEncoder, wasLoaded: Bool) {
      var wasLoaded = false
      let part = try empty.cached(PackedCacheTests.name, in: cache, of: weights) {
        wasLoaded = true
        return try empty.loaded(from: weights, .fp32)
      }
      return (part, wasLoaded)
    }

    var path: String { cache.path(of: PackedCacheTests.name) }
    var bytes: [UInt8] { FileManager.default.contents(atPath: path).map(Array.init) ?? [] }
    func write(_ bytes: [UInt8]) { replace(path, bytes) }
  }

  /// Every parameter's numbers, in order.
  private struct Numbers: ParameterVisitor {
    var all: [[Float]] = []
    mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
      all.append(values)
    }
  }

  private func numbers(of part: some ModelPart) throws -> [[Float]] {
    var (part, numbers) = (part, Numbers())
    try part.forEachParameter(&numbers)
    return numbers.all
  }

  @Test("A part that was kept is the part that was loaded, number by number")
  func roundTrip() throws {
    let place = try Place()
    let first = try place.encoder()
    let second = try place.encoder()
    #expect(first.wasLoaded && !second.wasLoaded)
    #expect(try numbers(of: first.part) == numbers(of: second.part))
    #expect(try numbers(of: second.part).allSatisfy { !$0.isEmpty })
    var activations = TextActivations()
    #expect(
      try first.part([[101, 7, 102]], &activations)
        == second.part([[101, 7, 102]], &activations))
    // Nothing half-written is left beside it.
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder).count == 1)
  }

  @Test("Every part can be kept: the image encoder and the cross-attention too")
  func otherParts() throws {
    let place = try Place()
    let configuration = place.model.folder.configuration
    let image = try ImageEncoder(configuration).loaded(from: place.weights, .fp32)
    try place.cache.write(image, named: "image-encoder")
    let keptImage = place.cache.load(try ImageEncoder(configuration), named: "image-encoder")
    #expect(try numbers(of: #require(keptImage)) == numbers(of: image))
    let head = try MatchHead(configuration.text).loaded(from: place.weights, .fp32)
    try place.cache.write(head, named: "cross-attention")
    let keptHead = place.cache.load(MatchHead(configuration.text), named: "cross-attention")
    #expect(try numbers(of: #require(keptHead)) == numbers(of: head))
    #expect(place.cache.load(place.empty, named: "image-encoder") == nil)
  }

  @Test("The default model's bytes are kept as bytes")
  func bytes() throws {
    let model = try Models.standard.get()
    let cache = PackedCache(
      folder: TemporaryFolder().path, fingerprint: "f", precision: .fp32, smallestPart: 0)
    let weights = model.folder.weights
    let empty = TextEncoder(model.folder.configuration, weights: weights)
    let loaded = try empty.loaded(from: weights, .fp32)
    try cache.write(loaded, named: "text-encoder")
    let kept = try #require(cache.load(empty, named: "text-encoder"))
    #expect(try numbers(of: kept) == numbers(of: loaded))
  }

  @Test("A damaged file is made again", arguments: [0, 8, 16, 24, 40, 3 * 8 + 5, -1])
  func damage(at offset: Int) throws {
    let place = try Place()
    _ = try place.encoder()
    let whole = place.bytes
    var damaged = whole
    if offset < 0 { damaged.removeLast() } else { damaged[offset] ^= 0x10 }
    place.write(damaged)
    #expect(place.cache.load(place.empty, named: Self.name) == nil)
    #expect(try place.encoder().wasLoaded)
    #expect(place.bytes == whole)
    #expect(try !place.encoder().wasLoaded)
  }

  @Test("So is one of any other length, or of nonsense", arguments: [0, 1, 23, 24, 55, 56, 1000])
  func truncation(to length: Int) throws {
    let place = try Place()
    _ = try place.encoder()
    place.write(Array(place.bytes.prefix(length)))
    #expect(place.cache.load(place.empty, named: Self.name) == nil)
    place.write([UInt8](repeating: 0xFF, count: length))
    #expect(place.cache.load(place.empty, named: Self.name) == nil)
    #expect(try place.encoder().wasLoaded)
  }

  @Test("A head that lies about sizes, with the right digest, is refused without being followed")
  func lies() throws {
    let place = try Place()
    let key = "key"
    let path = place.folder + ".packed"
    for words: [UInt64] in [
      [PackedFileLayout.magic, 4096, .max],
      [PackedFileLayout.magic, 4096, 1 << 62],
      [PackedFileLayout.magic, 4096, 1, 0, .max, 4],
      [PackedFileLayout.magic, 4096, 1, 0, 1 << 62, 1 << 62],
      [PackedFileLayout.magic, 4096, 1, 0, 64, 4040],
      [PackedFileLayout.magic, 4096, 2, 0, 4096, 1, 0, 0, 0],
    ] {
      var bytes = words.withUnsafeBytes { Array($0) }
      bytes += PackedFileLayout.digest(of: words, key: key)
      bytes += [UInt8](repeating: 0, count: 4096 - bytes.count)
      try FileManager.default.createDirectory(
        atPath: String(path[..<path.lastIndex(of: "/")!]), withIntermediateDirectories: true)
      replace(path, bytes)
      #expect(throws: BLIPError.self) { try PackedFileReader(path: path, key: key) }
    }
    // Sizes that are possible but not this part's.
    let words: [UInt64] = [PackedFileLayout.magic, 4096, 1, 0, 128, 4]
    var bytes = words.withUnsafeBytes { Array($0) }
    bytes += PackedFileLayout.digest(of: words, key: key)
    bytes += [UInt8](repeating: 0, count: 4096 - bytes.count)
    replace(path, bytes)
    var reader = try PackedFileReader(path: path, key: key)
    var part = place.empty
    #expect(throws: BLIPError.self) { try part.forEachParameter(&reader) }
  }

  @Test("Another model's or precision's file is not taken for one's own")
  func keys() throws {
    let place = try Place()
    _ = try place.encoder()
    for other in [try Place(precision: .bf16), try Place(fingerprint: "another")] {
      _ = try other.encoder()
      #expect(place.path != other.path)
      other.write(place.bytes)
      #expect(other.cache.load(other.empty, named: Self.name) == nil)
    }
  }

  @Test("Where nothing can be written the model works all the same")
  func unwritable() throws {
    let model = try Models.tiny.get()
    for folder in ["/proc/no/such", "/dev/null/cache", ""] {
      let cache = PackedCache(
        folder: folder, fingerprint: model.folder.fingerprint, precision: .fp32, smallestPart: 0)
      let weights = model.folder.weights
      let empty = TextEncoder(model.folder.configuration, weights: weights)
      let part = try empty.cached("text-encoder", in: cache, of: weights) {
        try empty.loaded(from: weights, .fp32)
      }
      #expect(try numbers(of: part) == numbers(of: empty.loaded(from: weights, .fp32)))
    }
  }

  @Test("A model with a cache says what it says without one")
  func model() throws {
    let folder = try Models.tiny.get().folder
    let cached = try BLIPModel(folder: folder, cache: TemporaryFolder().path)
    let tokens: [[Int32]] = [[101, 5, 102], [101, 102]]
    #expect(try cached.embed(texts: tokens) == Models.tiny.get().embed(texts: tokens))
  }
}
