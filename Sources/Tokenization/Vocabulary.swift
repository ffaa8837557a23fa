/// The tokens of a WordPiece vocabulary by id, and their ids by bytes: an open-addressing hash
/// table over the file's bytes, so that loading creates no string per token.
struct Vocabulary: Sendable {
  /// The prefix of tokens that continue a word.
  static let continuation = Array("##".utf8)

  private let bytes: [UInt8]
  /// The range of each token's bytes; empty for an unassigned id.
  private let tokens: [Range<Int>]
  /// Ids, or -1 for free slots; their number is a power of two and at least twice that of the
  /// tokens.
  private let slots: [Int32]
  /// The length of the longest token, in bytes.
  let longest: Int

  /// The number of ids.
  var count: Int { tokens.count }

  /// - Parameters:
  ///   - bytes: The bytes that contain all tokens.
  ///   - tokens: The range of each token in `bytes`, by id.
  ///   - repeated: Makes the error for two ids with the same token.
  init(
    bytes: [UInt8], tokens: [Range<Int>], repeated: (Int, Int) -> TokenizationError
  ) throws(TokenizationError) {
    var size = 1024
    while size < 2 * tokens.count { size *= 2 }
    var slots = [Int32](repeating: -1, count: size)
    var longest = 0
    for (id, token) in tokens.enumerated() where !token.isEmpty {
      longest = max(longest, token.count)
      var hash = TokenHash()
      for place in token { hash.add(bytes[place]) }
      var slot = hash.slot(of: size)
      while slots[slot] >= 0 {
        let other = tokens[Int(slots[slot])]
        if other.count == token.count, bytes[other].elementsEqual(bytes[token]) {
          throw repeated(Int(slots[slot]), id)
        }
        slot = (slot + 1) & (size - 1)
      }
      slots[slot] = Int32(id)
    }
    self.bytes = bytes
    self.tokens = tokens
    self.slots = slots
    self.longest = longest
  }

  /// The bytes of a token; nil if the id is invalid or unassigned.
  func token(_ id: Int32) -> ArraySlice<UInt8>? {
    guard id >= 0, id < tokens.count, !tokens[Int(id)].isEmpty else { return nil }
    return bytes[tokens[Int(id)]]
  }

  /// The id of a token; nil if it is not in the vocabulary.
  func id(of token: String) -> Int32? {
    let word = Array(token.utf8)
    var hash = TokenHash()
    for byte in word { hash.add(byte) }
    return id(of: word[...], continuing: false, hash: hash)
  }

  /// The id of `letters`, or, if `continuing`, of `##` followed by `letters`; `hash` is the hash of
  /// the complete token.
  func id(of letters: ArraySlice<UInt8>, continuing: Bool, hash: TokenHash) -> Int32? {
    var slot = hash.slot(of: slots.count)
    while slots[slot] >= 0 {
      var token = bytes[tokens[Int(slots[slot])]]
      let marked = !continuing || token.starts(with: Self.continuation)
      if continuing && marked { token = token.dropFirst(Self.continuation.count) }
      if marked, token.count == letters.count, token.elementsEqual(letters) { return slots[slot] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }
}

/// The FNV-1a hash of a token's bytes, computed incrementally.
struct TokenHash {
  private var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

  func slot(of size: Int) -> Int { Int(truncatingIfNeeded: value ^ value >> 32) & (size - 1) }
}
