/// BERT's uncased normaliser and its definition of punctuation, per code point: control characters
/// are removed, whitespace becomes a space, ideographs become separate words, accents are stripped
/// (canonical decomposition without nonspacing marks), and letters are lower-cased.
///
/// The results are those of the `tokenizers` package (see NormalizationTable.swift), which mixes
/// the Unicode versions of several libraries. This toolchain's Unicode tables would give different
/// ids for marks and punctuation added in between, and could change with an update. Code points can
/// be treated independently: the reference's canonical reordering moves only marks that it then
/// strips, and its lower-casing does not depend on context.
package struct Normalization: Sendable {
  /// The normalisation of a code point.
  package enum Outcome: Equatable {
    /// It is removed.
    case nothing
    /// Whitespace.
    case space
    /// Code points in its place, or itself.
    case characters([UInt32])
    /// A separate word.
    case ideograph(UInt32)
  }

  /// The normaliser of `bert-base-uncased`.
  package static let uncased = Normalization()

  private struct Run {
    let first, last, stride: UInt32
    let rule: UInt8
    let target: [UInt32]
  }

  private let runs: [Run]
  private let punctuation: [ClosedRange<UInt32>]

  private init() {
    runs = Self.words(normalizationRuns).map { word in
      var word = TableWord(word)
      let (first, count) = word.run()
      let stride: UInt32 = word.skip("/") ? 2 : 1
      return Run(
        first: first, last: first + (count - 1) * stride, stride: stride, rule: word.byte(),
        target: word.numbers())
    }
    punctuation = Self.words(punctuationRuns).map { word in
      var word = TableWord(word)
      let (first, count) = word.run()
      return first...first + count - 1
    }
  }

  private static func words(_ table: StaticString) -> [Slice<UnsafeBufferPointer<UInt8>>] {
    UnsafeBufferPointer(start: table.utf8Start, count: table.utf8CodeUnitCount)
      .split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
  }

  /// The normalisation of `scalar`.
  package func outcome(_ scalar: UInt32) -> Outcome {
    if 0xAC00...0xD7A3 ~= scalar { return .characters(Self.jamo(ofSyllable: scalar - 0xAC00)) }
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].last < scalar { low = middle + 1 } else { high = middle }
    }
    guard low < runs.count, runs[low].first <= scalar,
      (scalar - runs[low].first) % runs[low].stride == 0
    else { return .characters([scalar]) }
    let run = runs[low]
    switch run.rule {
    case UInt8(ascii: "!"): return .nothing
    case UInt8(ascii: "_"): return .space
    case UInt8(ascii: "="): return .characters(run.target)
    case UInt8(ascii: ">"): return .characters([run.target[0] + scalar - run.first])
    case UInt8(ascii: "^"): return .ideograph(run.target[0] + scalar - run.first)
    default: preconditionFailure("the normalisation table is invalid")
    }
  }

  /// Whether a normalised code point is punctuation and so a separate word.
  package func isPunctuation(_ scalar: UInt32) -> Bool {
    var (low, high) = (0, punctuation.count)
    while low < high {
      let middle = (low + high) / 2
      if punctuation[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
    }
    return low < punctuation.count && punctuation[low].lowerBound <= scalar
  }

  /// The letters of a Hangul syllable (The Unicode Standard, 3.12).
  private static func jamo(ofSyllable index: UInt32) -> [UInt32] {
    let letters = [0x1100 + index / 588, 0x1161 + index % 588 / 28]
    return index % 28 == 0 ? letters : letters + [0x11A7 + index % 28]
  }
}

/// Parses one entry of the generated tables.
private struct TableWord {
  private var rest: Slice<UnsafeBufferPointer<UInt8>>

  init(_ word: Slice<UnsafeBufferPointer<UInt8>>) { rest = word }

  mutating func byte() -> UInt8 { rest.removeFirst() }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }

  mutating func number() -> UInt32 {
    var number: UInt32 = 0
    while let byte = rest.first {
      switch byte {
      case 0x30...0x39: number = number << 4 | UInt32(byte - 0x30)
      case 0x61...0x66: number = number << 4 | UInt32(byte - 0x57)
      default: return number
      }
      rest.removeFirst()
    }
    return number
  }

  /// `FIRST` or `FIRST*COUNT`.
  mutating func run() -> (first: UInt32, count: UInt32) {
    (number(), skip("*") ? number() : 1)
  }

  /// Numbers separated by dots, to the end of the entry.
  mutating func numbers() -> [UInt32] {
    guard !rest.isEmpty else { return [] }
    var numbers = [number()]
    while skip(".") { numbers.append(number()) }
    return numbers
  }
}
