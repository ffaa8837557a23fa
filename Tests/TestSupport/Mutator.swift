public import Random

/// Changes a sound input into a damaged one: one mutator for all tests that feed a reader damaged
/// bytes, so that every reader meets every kind of damage.
public struct Mutator: Sendable {
  /// Draws the damage, and whatever else a test draws.
  public var random: SplitMix64
  private let focus: Focus
  private let dictionary: [[UInt8]]
  private let keepsLength: Bool

  /// The bytes that are changed more often than others, since damage there does more: half of the
  /// changes begin in the first `head` bytes, a quarter in the last `tail` bytes.
  public struct Focus: Sendable {
    let head, tail: Int

    /// Every byte alike.
    public static let none = Focus(head: 0, tail: 0)

    /// A header.
    public static func head(_ count: Int) -> Focus { Focus(head: count, tail: 0) }

    /// A header and a directory at the end.
    public static func ends(head: Int, tail: Int) -> Focus { Focus(head: head, tail: tail) }
  }

  /// - Parameters:
  ///   - seed: The same damage from the same seed.
  ///   - focus: Which bytes are changed more often.
  ///   - dictionary: Sequences of bytes that mean something to the reader, which are written over
  ///     others.
  ///   - keepsLength: Whether the damaged input has the length of the sound one: for readers that
  ///     refuse another length at once.
  public init(
    seed: UInt64, focus: Focus = .none, dictionary: [[UInt8]] = [], keepsLength: Bool = false
  ) {
    random = SplitMix64(seed: seed)
    self.focus = focus
    self.dictionary = dictionary
    self.keepsLength = keepsLength
  }

  /// A random element.
  public mutating func pick<T>(_ choices: some Swift.Collection<T>) -> T {
    choices.randomElement(using: &random)!
  }

  /// A copy with one to twenty changes, which differs.
  ///
  /// - Parameter other: Another input, whose end may take the place of this one's.
  public mutating func mutated(_ bytes: [UInt8], other: [UInt8] = []) -> [UInt8] {
    precondition(!(bytes.isEmpty && keepsLength), "an empty input cannot differ")
    var damaged = bytes
    repeat {
      if damaged.isEmpty, !keepsLength { damaged = [.random(in: 0...255, using: &random)] }
      for _ in 0..<pick([1, 1, 2, 5, 20]) where !damaged.isEmpty { change(&damaged, other) }
    } while damaged == bytes
    return damaged
  }

  private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
    let place = place(in: bytes.count)
    let end = min(place + pick([1, 2, 4, 8, 40]), bytes.count)
    switch Int.random(in: 0..<(keepsLength ? 6 : 9), using: &random) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[place] = .random(in: 0...255, using: &random)
    case 2:
      let value = pick([0, 0x7F, 0x80, 0xFF] as [UInt8])
      for index in place..<end { bytes[index] = value }
    case 3:
      let source = self.place(in: bytes.count)
      overwrite(&bytes, at: place, with: Array(bytes[source...].prefix(end - place)))
    case 4:
      guard let word = dictionary.randomElement(using: &random) else { return }
      // Numbers lie at multiples of their size.
      overwrite(&bytes, at: place - place % max(1, word.count), with: word)
    case 5:
      guard place < other.count else { return }
      let spliced = Array(bytes[..<place] + other[place...])
      bytes = keepsLength && spliced.count != bytes.count ? bytes : spliced
    case 6: bytes.removeSubrange(place..<end)
    case 7: bytes.insert(contentsOf: bytes[place..<end], at: place)
    default: bytes.removeLast(bytes.count - place)
    }
  }

  private mutating func place(in count: Int) -> Int {
    let range =
      switch Int.random(in: 0..<4, using: &random) {
      case 0...1 where focus.head > 0: 0..<min(count, focus.head)
      case 2 where focus.tail > 0: max(0, count - focus.tail)..<count
      default: 0..<count
      }
    return Int.random(in: range, using: &random)
  }

  private func overwrite(_ bytes: inout [UInt8], at place: Int, with word: [UInt8]) {
    for (index, byte) in zip(place..<bytes.count, word) { bytes[index] = byte }
  }
}
