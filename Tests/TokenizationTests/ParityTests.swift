import Testing
import TextNormalization

@testable import Tokenization

/// Compares ids with Hugging Face's tokenizer and caption cleaning with BLIP's Python code.
@Suite struct ParityTests {
  private let tokenizer: WordPieceTokenizer

  init() throws {
    tokenizer = try WordPieceTokenizer(vocabularyPath: Reference.vocabularyPath)
  }

  @Test func hostileTextsGetTheReferenceIds() throws {
    let texts = try Reference.texts()
    #expect(texts.count > 2000)
    for text in texts {
      #expect(tokenizer.encode(text.text) == text.ids, "\(text.testDescription)")
      let all = tokenizer.encode(text.text, maximumLength: 20_000)
      #expect(fnv(all.lazy.map { UInt32($0) }) == text.all, "\(text.testDescription)")
    }
  }

  @Test func hostileTextsAreCleanedAsInPython() throws {
    for text in try Reference.texts() {
      let cleaned = cleanCaption(text.text)
      #expect(
        tokenizer.encode(cleaned) == tokenizer.encode(text.clean), "\(text.testDescription)")
      if text.text.unicodeScalars.allSatisfy(isKnownToPython) {
        #expect(
          cleaned.unicodeScalars.elementsEqual(text.clean.unicodeScalars),
          "\(text.testDescription)")
      }
    }
  }

  @Test func everyCodePointIsCleanedAsInPython() throws {
    for (block, line) in try Reference.lines("codepoints.txt").enumerated() {
      let scalars = (UInt32(block) << 12..<UInt32(block + 1) << 12).compactMap(Unicode.Scalar.init)
      let cleaned = scalars.filter(isKnownToPython).flatMap {
        cleanCaption("A\($0)B").unicodeScalars.map(\.value)
      }
      #expect(fnv(cleaned) == line.split(separator: " ")[2], "block \(line)")
    }
  }

  @Test func idsAreDecodedAsInTheReference() throws {
    for text in try Reference.texts() {
      #expect(tokenizer.decode(text.ids) == text.decoded, "\(text.testDescription)")
    }
  }

  @Test func everyCodePointIsNormalisedAsInTheReference() throws {
    let expected = try Reference.lines("codepoints.txt")
    #expect(expected.count == 0x110)
    for (block, line) in expected.enumerated() {
      var values: [UInt32] = []
      for scalar in UInt32(block) << 12..<UInt32(block + 1) << 12
      where !(0xD800..<0xE000).contains(scalar) {
        switch Normalization.uncased.outcome(scalar) {
        case .nothing: break
        case .space: values.append(0x20)
        case .characters(let characters): values += characters
        case .ideograph(let character): values += [0x20, character, 0x20]
        }
        values.append(0x110000 + (Normalization.uncased.isPunctuation(scalar) ? 1 : 0))
      }
      #expect(fnv(values) == line.split(separator: " ")[1], "block \(line)")
    }
  }

  /// The tokenizer handles ASCII separately, and must agree with the tables.
  @Test func asciiAgreesWithTheTables() {
    for byte in UInt8(0)..<0x80 {
      let character = Character(Unicode.Scalar(byte))
      let ids = tokenizer.encode("a\(character)b")
      let expected =
        switch Normalization.uncased.outcome(UInt32(byte)) {
        case .nothing: tokenizer.encode("ab")
        case .space: tokenizer.encode("a b")
        case .characters where Normalization.uncased.isPunctuation(UInt32(byte)):
          tokenizer.encode("a \(character) b")
        case .characters(let lowercased):
          tokenizer.encode(
            "a\(lowercased.compactMap(Unicode.Scalar.init).map { "\($0)" }.joined())b")
        case .ideograph: [] as [Int32]
        }
      #expect(ids == expected, "U+\(String(byte, radix: 16))")
    }
  }

  @Test(.enabled(if: Reference.hasCaptions, "needs ../shared/data/flickr8k-dev/captions.json"))
  func captionsGetTheReferenceIds() throws {
    let captions = try Reference.captions()
    let expected = try Reference.lines("flickr8k-dev.txt")
    #expect(captions.count == 5000 && expected.count == 5000)
    for (caption, hash) in zip(captions, expected) {
      let ids = tokenizer.encode(cleanCaption(caption), maximumLength: 512)
      #expect(fnv(ids.lazy.map { UInt32($0) }) == hash, "\(caption)")
    }
  }
}

/// Whether the code point is in Unicode 14.0, that of Python 3.11: letters added later have
/// lower-case mappings only here. Their ids do not differ, since the tokenizer lower-cases too.
private func isKnownToPython(_ scalar: Unicode.Scalar) -> Bool {
  let category = scalar.properties.generalCategory
  // Noncharacters have an age but are unassigned.
  guard category != .unassigned, let age = scalar.properties.age else { return false }
  return age.major <= 14
}
