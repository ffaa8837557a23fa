/// BERT's uncased normaliser and its idea of punctuation, code point by code point: control
/// characters vanish, white space becomes a space, ideographs stand alone, accents are stripped
/// (canonical decomposition without its nonspacing marks), letters become small.
///
/// The answers are those of the `tokenizers` package (see NormalizationTable.swift), which mixes
/// the Unicode versions of several libraries; asking this toolchain's tables instead would give
/// other ids for marks and punctuation that Unicode added in between, and other ids again after an
/// update. One code point needs no other: the reference's canonical reordering moves nothing but
/// marks that it then strips, and its small letters do not depend on what stands around them.
struct Normalization: Sendable {
  /// What becomes of a code point.
  enum Outcome: Equatable {
    case nothing
    case space
    case characters([UInt32])
    /// A word of its own.
    case ideograph(UInt32)
  }

  static let uncased = Normalization()

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

  /// What becomes of `scalar`.
  func outcome(_ scalar: UInt32) -> Outcome {
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
    default: preconditionFailure("the table of normalisation is damaged")
    }
  }

  /// Whether a code point, normalised, is a word of its own.
  func isPunctuation(_ scalar: UInt32) -> Bool {
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

/// Reads a word of the generated tables from its start.
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

  /// Numbers between dots, up to the end.
  mutating func numbers() -> [UInt32] {
    guard !rest.isEmpty else { return [] }
    var numbers = [number()]
    while skip(".") { numbers.append(number()) }
    return numbers
  }
}
