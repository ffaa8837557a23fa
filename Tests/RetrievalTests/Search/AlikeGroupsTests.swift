import Images
import Store
import StoreTestSupport
import TestSupport
import Testing

@testable import Retrieval

@Suite struct GroupsOfAlikePictures {
  private var random = SplitMix64(seed: 11)

  private func signature(_ hash: UInt64, part: UInt64? = nil, color: UInt8 = 128)
    -> PictureSignature
  {
    var values = Array(
      repeating: 0x0F0F_0F0F_F0F0_F0F0 ^ hash &* 3, count: PerceptualHashes.count)
    values[0] = hash
    if let part { values[5] = part }
    return PictureSignature(
      hashes: PerceptualHashes(values: values)!,
      colors: ColorLayout(values: Array(repeating: color, count: ColorLayout.count))!, sharpness: 1)!
  }

  private func picture(
    _ id: UInt64, _ signature: PictureSignature?, width: Int = 300, content: UInt8? = nil,
    path: String = "a"
  ) -> ComparedPicture {
    let record = PictureRecord(
      path: Array(path.utf8), size: 1, modified: 1,
      contentHash: Array(repeating: content ?? UInt8(truncatingIfNeeded: id), count: 32),
      width: width, height: 200, orientation: 1)
    return ComparedPicture(id, record, signature)
  }

  private func groups(_ pictures: [ComparedPicture]) -> [[Int]] {
    AlikeGroups(pictures) { _ in [1, 0] }.groups
  }

  /// A hash with these bits flipped.
  private func flipped(_ hash: UInt64, _ bits: Range<Int>) -> UInt64 {
    bits.reduce(hash) { $0 ^ 1 << UInt64($1) }
  }

  private let hash: UInt64 = 0x1234_5678_9ABC_DEF0

  @Test func needCloseHashesColorsShapesAndEmbeddings() {
    let first = picture(1, signature(hash))
    let most = AlikeGroups.greatestDistance
    #expect(groups([first, picture(2, signature(flipped(hash, 0..<most)))]).count == 1)
    #expect(groups([first, picture(2, signature(flipped(hash, 0..<most + 1)))]).count == 2)
    #expect(groups([first, picture(2, signature(hash, color: 160))]).count == 2)
    #expect(groups([first, picture(2, signature(hash), width: 400)]).count == 2)
    #expect(groups([first, picture(2, signature(hash))]).count == 1)
    let far = AlikeGroups([first, picture(2, signature(hash))]) { $0 == 1 ? [1, 0] : [0.6, 0.8] }
    #expect(far.groups.count == 2)
  }

  @Test func joinARawFileAndItsPictureWhereThatIsWanted() {
    let paths = ["b/1.jpg", "b/1.CR2", "b/2.jpg", "b/1.png", "c/1.cr2", "b/2.heic", "b", "b.nef"]
    let pictures = paths.enumerated().map { id, path in picture(UInt64(id), nil, path: path) }
    let groups = AlikeGroups(pictures, joinsExposures: true) { _ in nil }.groups
    #expect(
      groups.map { $0.map { paths[$0] } }.filter { $0.count > 1 } == [["b/1.jpg", "b/1.CR2"]])
    let all = AlikeGroups(pictures.reversed(), joinsExposures: true) { _ in nil }.groups
    #expect(
      all.filter { $0.count > 1 }.map { $0.map { paths.reversed()[$0] } } == [
        ["b/1.png", "b/1.CR2"]
      ])
    #expect(self.groups(pictures).count == paths.count)
  }

  @Test func matchAPartOfOneWithTheWholeOfTheOther() {
    let other = flipped(hash, 0..<32)
    let (whole, crop) = (picture(1, signature(hash, part: other)), picture(2, signature(other)))
    #expect(groups([whole, crop]).count == 1 && groups([crop, whole]).count == 1)
  }

  @Test func onAPlainBackgroundMustBeAlmostEqual() {
    func plain(_ id: UInt64, _ hash: UInt64) -> ComparedPicture {
      let values = [hash] + Array(repeating: 0, count: PerceptualHashes.count - 1)
      return picture(
        id,
        PictureSignature(
          hashes: PerceptualHashes(values: values)!, colors: signature(hash).colors, sharpness: 1))
    }
    let most = AlikeGroups.greatestPlainDistance
    let (near, far) = (flipped(hash, 0..<most), flipped(hash, 0..<most + 1))
    #expect(groups([plain(1, hash), plain(2, near)]).count == 1)
    #expect(groups([plain(1, hash), plain(2, far)]).count == 2)
    #expect(groups([plain(1, hash), picture(2, signature(far))]).count == 2)
  }

  @Test func areNotChained() {
    let chain = [0, 8, 16].map { picture(UInt64($0 + 1), signature(flipped(hash, 0..<$0))) }
    #expect(groups(chain) == [[0, 1], [2]])
    #expect(groups([chain[1], chain[0], chain[2]]) == [[0, 1, 2]])
  }

  @Test func withoutASignatureOrDetailsAreCopiesAlone() {
    let blank = signature(0)
    #expect(groups([picture(1, blank), picture(2, blank)]).count == 2)
    #expect(groups([picture(1, blank, content: 9), picture(2, blank, content: 9)]).count == 1)
    #expect(groups([picture(1, nil), picture(2, nil)]).count == 2)
    #expect(groups([picture(1, nil, content: 9), picture(2, nil, content: 9)]).count == 1)
  }

  /// The tables for many pictures find what comparing all of them finds.
  @Test(arguments: [300, 20_000]) mutating func ofManyAreThoseOfAll(_ count: Int) {
    var hashes = (0..<count / 3).map { _ in UInt64.random(in: 0...UInt64.max, using: &random) }
    while hashes.count < count {
      var near = hashes[Int.random(in: 0..<count / 3, using: &random)]
      for _ in 0..<Int.random(in: 0...10, using: &random) {
        near ^= 1 << UInt64.random(in: 0..<64, using: &random)
      }
      hashes.append(near)
    }
    let table = HashTable(
      hashes.enumerated().map { ($1, $0) }, radius: AlikeGroups.greatestDistance)
    for query in hashes.prefix(200) {
      var found: Set<Int> = []
      table.forEachOwner(near: query) { found.insert($0) }
      let expected = hashes.indices.filter {
        (hashes[$0] ^ query).nonzeroBitCount <= AlikeGroups.greatestDistance
      }
      #expect(found == Set(expected))
    }
  }

  @Test mutating func wideBandsFindTheSame() {
    let hashes = (0..<300_000).map { _ in UInt64.random(in: 0...UInt64.max, using: &random) }
    let table = HashTable(hashes.enumerated().map { ($1, $0) }, radius: 8)
    for place in stride(from: 0, to: hashes.count, by: 5000) {
      var near = hashes[place]
      for bit in [3, 7, 22, 23, 40, 44, 60, 63] { near ^= 1 << UInt64(bit) }
      var found: Set<Int> = []
      table.forEachOwner(near: near) { found.insert($0) }
      #expect(found == [place])
    }
  }
}
