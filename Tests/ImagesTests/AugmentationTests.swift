import Foundation
import TestSupport
import Testing

@testable import Images

@Suite("Augmentation")
struct AugmentationTests {
  struct Fixture: Decodable, Sendable, CustomTestStringConvertible {
    let operation: String
    let width, height: Int
    let strength: Double
    let crc32: UInt32

    var testDescription: String { "\(operation) \(strength) of \(width)×\(height)" }

    static let all = try! JSONDecoder().decode(
      [Fixture].self, from: Data(Fixtures.bytes(of: "augmentation.json")))
  }

  @Test("every operation is bit-identical to Pillow's", arguments: Fixture.all)
  func parity(_ fixture: Fixture) throws {
    var picture = noise(width: fixture.width, height: fixture.height)
    picture.pixels = picture.pixels.map { $0 / 3 + 40 }
    let operation = try #require(AugmentationOperation(rawValue: fixture.operation))
    let changed = picture.applying(operation, strength: fixture.strength)
    #expect(crc32(changed.pixels) == fixture.crc32)
  }

  @Test("the same key gives the same pixels, different keys different ones")
  func seeded() {
    let picture = noise(width: 90, height: 70)
    let augmentation = Augmentation(scale: 0.2...1)
    func view(_ key: UInt64) -> Picture {
      var draws = SplitMix64(key: 7, key, 3)
      return augmentation(picture, side: 32, &draws)
    }
    #expect(view(1) == view(1))
    #expect(Set((0..<8).map { crc32(view($0).pixels) }).count == 8)
    #expect(view(5).width == 32 && view(5).height == 32)
  }

  @Test(
    "a crop is inside the picture and has an allowed area and aspect ratio",
    arguments: [(500, 375), (64, 64), (10, 300), (300, 10), (1, 1), (3, 2)])
  func crops(width: Int, height: Int) {
    let scale = 0.2...1.0
    for key in 0..<500 as Range<UInt64> {
      var draws = SplitMix64(key: key)
      let box = draws.crop(width: width, height: height, scale: scale)
      #expect(box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0)
      #expect(box.left + box.width <= width && box.top + box.height <= height)
      guard (width, height) == (500, 375) else { continue }
      let fraction = Double(box.width * box.height) / Double(width * height)
      let ratio = Double(box.width) / Double(box.height)
      #expect(0.195...1 ~= fraction && 0.74...1.35 ~= ratio)
    }
  }

  @Test("if no box of an allowed aspect ratio is large enough, the crop is centred")
  func middle() {
    var draws = SplitMix64(key: 1)
    let box = draws.crop(width: 1000, height: 10, scale: 0.9...1)
    #expect(box == CropBox(left: 493, top: 0, width: 13, height: 10))
  }

  @Test("draws are uniform, and a shuffle keeps all elements")
  func draws() {
    var draws = SplitMix64(key: 3, 4)
    let numbers = (0..<4000).map { _ in draws.below(10) }
    for value in 0..<10 { #expect(300...500 ~= numbers.count { $0 == value }) }
    let mean = (0..<4000).map { _ in draws.uniform() }.reduce(0, +) / 4000
    #expect(abs(mean - 0.5) < 0.02)
    let shuffled = draws.shuffled(Array(0..<100))
    #expect(shuffled.sorted() == Array(0..<100) && shuffled != Array(0..<100))
  }

  @Test("flipping twice gives the original")
  func flip() {
    let picture = noise(width: 13, height: 8)
    #expect(picture.flipped() != picture)
    #expect(picture.flipped().flipped() == picture)
  }
}
