import Testing

@testable import Tokenization

@Suite struct TokenizerTests {
  private let tokenizer: WordPieceTokenizer

  init() throws {
    tokenizer = try WordPieceTokenizer(vocabularyPath: Reference.vocabularyPath)
  }

  @Test func specialTokensHaveTheirIds() {
    #expect(tokenizer.count == 30524)
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]"]
    #expect(special.map { tokenizer.id(of: $0) } == [0, 100, 101, 102, 103, 30522, 30523])
    #expect(tokenizer.id(of: "##ing") == 2075)
    #expect(tokenizer.id(of: "no such token") == nil && tokenizer.id(of: "") == nil)
  }

  @Test(arguments: [2, 3, 5, 9, 35])
  func aTruncatedTextEndsInSEP(length: Int) {
    let text = String(repeating: "a photograph of unaffable people. ", count: 20)
    let all = tokenizer.encode(text, maximumLength: 1000)
    let cut = tokenizer.encode(text, maximumLength: length)
    #expect(cut == Array(all.prefix(length - 1)) + [102])
  }

  @Test func piecesEndAtCharacterBoundaries() {
    #expect(tokenizer.encode("é") == tokenizer.encode("e"))
    #expect(tokenizer.encode("x😀y") == [101, 100, 102])
  }

  @Test func decodingOmitsInvalidAndSpecialIds() {
    #expect(tokenizer.decode([]) == "")
    #expect(tokenizer.decode([-1, 101, 1037, Int32.max, 102, 30524, Int32.min]) == "a")
    #expect(tokenizer.decode([30522, 1037, 4937, 1010, 2748, 999, 30523]) == "a cat, yes!")
    #expect(
      tokenizer.decode(tokenizer.encode("Unaffable skateboarding")) == "unaffable skateboarding")
  }

  @Test func captionsAreTruncatedAtWords() {
    #expect(cleanCaption("A dog runs.", maximumWords: 2) == "a dog")
    #expect(cleanCaption("A dog runs.", maximumWords: 0) == "")
    #expect(cleanCaption("(Two) men: one, two!") == "two men one, two")
    #expect(cleanCaption("ΟΔΥΣΣΕΥΣ") == "οδυσσευς")
  }
}
