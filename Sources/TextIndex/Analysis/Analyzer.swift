internal import TextNormalization

/// Turns texts of any script into terms: case is folded, diacritics are removed, English words are
/// stemmed; runs of a script that is written without spaces become overlapping pairs of characters.
///
/// Not `Sendable`: each thread has its own.
package final class Analyzer {
  /// What the terms are for. An index also holds the single characters of scripts without spaces and
  /// the parts of names, so that a query finds both.
  package enum Purpose: Sendable {
    case index
    case query
  }

  /// The most bytes of a term; the rest of a longer word does not count.
  package static let maximumTermBytes = 64

  private let stemmer = Stemmer()
  private let normalization = Normalization.uncased

  /// An analyzer.
  package init() {}

  /// Changes whenever terms of the same text would: an index whose terms were made by another version
  /// is made anew. It covers the stems of libstemmer, which change now and then.
  package var version: String {
    let probes = "generously university flying ties argument skis dying news proceed vacations"
    let stems = terms(of: probes, for: .index).joined(separator: ".")
    return "1-" + stems
  }

  /// The terms of a text, in its order, repeated as often as they are there.
  package func terms(of text: String, for purpose: Purpose) -> [String] {
    var run = TermRun(purpose: purpose, stemmer: stemmer)
    for scalar in withComposedHangul(text).unicodeScalars { add(scalar, to: &run) }
    run.endRun()
    return run.terms
  }

  /// The terms of a file's or a folder's name: those of its words and, of a word that joins several
  /// (`BeachHouse2`), also those of its parts.
  package func terms(ofName name: String) -> [String] {
    var run = TermRun(purpose: .index, stemmer: stemmer)
    var parts: [String] = [""]
    var previous: CharacterKind = .other
    for scalar in withComposedHangul(name).unicodeScalars {
      add(scalar, to: &run)
      let kind = CharacterKind(scalar)
      if kind.begins(after: previous) { parts.append("") }
      parts[parts.count - 1].unicodeScalars.append(scalar)
      previous = kind
    }
    run.endRun()
    guard parts.count > 1 else { return run.terms }
    var result = run.terms
    let whole = Set(result)
    for part in parts { result += terms(of: part, for: .index).filter { !whole.contains($0) } }
    return result
  }

  private func add(_ scalar: Unicode.Scalar, to run: inout TermRun) {
    let value = scalar.value
    switch value {
    case 0x61...0x7A, 0x30...0x39: return run.addLetter(UInt8(value))
    case 0x41...0x5A: return run.addLetter(UInt8(value) + 0x20)
    case 0x27, 0x2019: return run.addApostrophe()
    case 0..<0x80: return run.endRun()
    // Full-width forms of ASCII, which Chinese and Japanese texts use.
    case 0xFF01...0xFF5E: return add(Unicode.Scalar(value - 0xFEE0)!, to: &run)
    case 0xAC00...0xD7A3: return run.addUnspaced(scalar)
    case 0xDF: return [UInt8(ascii: "s"), UInt8(ascii: "s")].forEach { run.addLetter($0) }
    default: break
    }
    switch normalization.outcome(value) {
    case .nothing: break
    case .space: run.endRun()
    case .ideograph(let value): run.addUnspaced(Unicode.Scalar(value) ?? scalar)
    case .characters(let values):
      for value in values {
        // Two forms of one Greek letter.
        guard let scalar = Unicode.Scalar(value == 0x3C2 ? 0x3C3 : value) else { continue }
        if scalar.isASCII {
          add(scalar, to: &run)
        } else if Self.isUnspaced(value) {
          run.addUnspaced(scalar)
        } else if scalar.isPartOfWord {
          run.addLetter(scalar)
        } else {
          run.endRun()
        }
      }
    }
  }

  /// Scripts without spaces between words, besides ideographs: kana, Thai, Lao, Myanmar, Khmer.
  private static func isUnspaced(_ value: UInt32) -> Bool {
    switch value {
    case 0x3041...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9D, 0x0E01...0x0EFF, 0x1000...0x109F,
      0x1780...0x17FF, 0x3005...0x3007:
      true
    default: false
    }
  }
}

/// A term that is growing, and those before it.
private struct TermRun {
  let purpose: Analyzer.Purpose
  let stemmer: Stemmer
  private(set) var terms: [String] = []
  private var word: [UInt8] = []
  private var isASCII = true
  private var unspaced: [Unicode.Scalar] = []

  init(purpose: Analyzer.Purpose, stemmer: Stemmer) {
    (self.purpose, self.stemmer) = (purpose, stemmer)
  }

  mutating func addLetter(_ byte: UInt8) {
    if !unspaced.isEmpty { endUnspaced() }
    if word.count < Analyzer.maximumTermBytes { word.append(byte) }
  }

  mutating func addLetter(_ scalar: Unicode.Scalar) {
    if !unspaced.isEmpty { endUnspaced() }
    isASCII = false
    let bytes = UTF8.encode(scalar)!
    if word.count + bytes.count <= Analyzer.maximumTermBytes { word += bytes }
  }

  /// Inside a word only; the stemmer removes `'s`.
  mutating func addApostrophe() {
    if word.isEmpty { endRun() } else { addLetter(UInt8(ascii: "'")) }
  }

  mutating func addUnspaced(_ scalar: Unicode.Scalar) {
    if !word.isEmpty { endWord() }
    unspaced.append(scalar)
  }

  mutating func endRun() {
    if !word.isEmpty { endWord() }
    if !unspaced.isEmpty { endUnspaced() }
  }

  private mutating func endWord() {
    defer { (word, isASCII) = ([], true) }
    while word.last == UInt8(ascii: "'") { word.removeLast() }
    guard !word.isEmpty, !stopWords.contains(word) else { return }
    let isPlain = isASCII && !word.contains { (0x30...0x39).contains($0) }
    let term = (isPlain ? stemmer.stem(word) : word).filter { $0 != UInt8(ascii: "'") }
    if !term.isEmpty { terms.append(String(decoding: term, as: UTF8.self)) }
  }

  private mutating func endUnspaced() {
    if purpose == .index || unspaced.count == 1 {
      for scalar in unspaced { terms.append(String(scalar)) }
    }
    for (first, second) in zip(unspaced, unspaced.dropFirst()) {
      terms.append(String(first) + String(second))
    }
    unspaced = []
  }
}

/// What a name's words are divided by: `BeachHouse2` is three.
private enum CharacterKind {
  case small, capital, digit, other

  init(_ scalar: Unicode.Scalar) {
    self =
      switch scalar.properties.generalCategory {
      case .lowercaseLetter: .small
      case .uppercaseLetter, .titlecaseLetter: .capital
      case .decimalNumber: .digit
      default: .other
      }
  }

  func begins(after previous: CharacterKind) -> Bool {
    switch (previous, self) {
    case (.small, .capital), (.small, .digit), (.capital, .digit), (.digit, .small),
      (.digit, .capital):
      true
    default: false
    }
  }
}

extension Unicode.Scalar {
  fileprivate var isPartOfWord: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
      .decimalNumber, .letterNumber, .spacingMark, .nonspacingMark, .enclosingMark:
      true
    default: false
    }
  }
}
