/// Finds, among many hashes of 64 bits, those that differ from another in a few bits: multi-index hashing
/// (Norouzi, Punjani and Fleet, Fast Search in Hamming Space, 2012).
///
/// Hashes are cut into bands, and listed by the value of each band. If two hashes differ in at most r bits,
/// then in at least one of n bands they differ in at most r / n bits: the lists of so few values hold all
/// hashes in question.
struct HashTable {
  /// From so many hashes on, fewer and wider bands keep the lists short.
  private static let many = 1 << 18

  private let hashes: [UInt64]
  /// Whose hash it is.
  private let owners: [Int32]
  private let radius: Int
  private let bands: [Band]

  /// A part of the hashes' bits.
  private struct Band {
    let shift: UInt64
    let mask: UInt64
    /// Where the hashes of each value of the band begin in `places`, and their end.
    let starts: [Int32]
    /// The places of hashes in the order of their values.
    let places: [Int32]
    /// What a value is combined with for all that differ in a few bits.
    let flips: [UInt64]

    init(bits: Range<Int>, of hashes: [UInt64], differingBits: Int) {
      shift = UInt64(bits.lowerBound)
      mask = 1 << UInt64(bits.count) - 1
      var starts = [Int32](repeating: 0, count: 1 << bits.count + 1)
      for hash in hashes { starts[Int(hash >> shift & mask) + 1] += 1 }
      for value in 0..<1 << bits.count { starts[value + 1] += starts[value] }
      var next = starts
      var places = [Int32](repeating: 0, count: hashes.count)
      for (place, hash) in hashes.enumerated() {
        let value = Int(hash >> shift & mask)
        places[Int(next[value])] = Int32(place)
        next[value] += 1
      }
      (self.starts, self.places) = (starts, places)
      flips = Self.flips(of: bits.count, differingBits: differingBits)
    }

    /// All numbers of so many bits of which at most `differingBits` are 1.
    private static func flips(of bits: Int, differingBits: Int) -> [UInt64] {
      var flips: [UInt64] = [0]
      var last: [UInt64] = [0]
      for _ in 0..<differingBits {
        // Each bit above the highest that is 1 already.
        last = last.flatMap { flip in
          (64 - flip.leadingZeroBitCount..<max(bits, 64 - flip.leadingZeroBitCount)).map {
            flip | 1 << UInt64($0)
          }
        }
        flips += last
      }
      return flips
    }
  }

  /// A table of hashes that answers for hashes that differ in at most `radius` bits.
  init(_ entries: [(hash: UInt64, owner: Int)], radius: Int) {
    let hashes = entries.map(\.hash)
    let count = hashes.count < Self.many ? 5 : 3
    bands = (0..<count).map { band in
      Band(
        bits: 64 * band / count..<64 * (band + 1) / count, of: hashes,
        differingBits: radius / count)
    }
    owners = entries.map { Int32($0.owner) }
    (self.hashes, self.radius) = (hashes, radius)
  }

  /// The owners of all hashes in question, some more than once, in no order.
  func forEachOwner(near hash: UInt64, _ body: (Int) -> Void) {
    for band in bands {
      let value = hash >> band.shift & band.mask
      for flip in band.flips {
        let list = Int(value ^ flip)
        for index in band.starts[list]..<band.starts[list + 1] {
          let place = Int(band.places[Int(index)])
          if (hashes[place] ^ hash).nonzeroBitCount <= radius { body(Int(owners[place])) }
        }
      }
    }
  }
}
