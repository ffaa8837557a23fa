import TestSupport
import Testing

@testable import Tokenization

private func errorMessage(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
  let path = TemporaryFolder().write(name, bytes)
  do {
    _ = try WordPieceTokenizer(vocabularyPath: path)
    return "accepted"
  } catch {
    return error.description.hasPrefix(path + ": ")
      ? String(error.description.dropFirst(path.count + 2)) : "names no file: \(error)"
  }
}

@Suite struct VocabularyFileTests {
  @Test func anyLineEndingIsAccepted() throws {
    for end in ["\n", "\r\n"] {
      for last in ["", end] {
        let text = ["[UNK]", "[CLS]", "[SEP]", "dog", "##s"].joined(separator: end) + last
        let path = TemporaryFolder().write("vocab.txt", text.utf8)
        let tokenizer = try WordPieceTokenizer(vocabularyPath: path)
        #expect(tokenizer.count == 5)
        #expect(tokenizer.encode("Dogs dog cat [MASK]") == [1, 3, 4, 3, 0, 0, 0, 0, 2])
      }
    }
  }

  @Test func invalidVocabulariesAreRejected() {
    let special = "[UNK]\n[CLS]\n[SEP]\n"
    #expect(errorMessage("vocab.txt", "".utf8).contains("[UNK] is missing"))
    #expect(errorMessage("vocab.txt", "[UNK]\n[SEP]\n".utf8).contains("[CLS] is missing"))
    #expect(errorMessage("vocab.txt", "[UNK]\n[CLS]\n".utf8).contains("[SEP] is missing"))
    #expect(
      errorMessage("vocab.txt", (special + "a\n\nb\n").utf8).contains("line 5 contains no token"))
    #expect(
      errorMessage("vocab.txt", (special + "a\nb\na\n").utf8).contains("lines 4 and 6 contain"))
    #expect(errorMessage("vocab.txt", (special + "a\0\n").utf8).contains("not UTF-8 text"))
    #expect(errorMessage("vocab.txt", Array(special.utf8) + [0xFF]).contains("not UTF-8 text"))
    let many = (0...1_000_000).map { "\(String($0, radix: 36))\n" }.joined()
    #expect(errorMessage("vocab.txt", many.utf8).contains("more than 1000000 lines"))
    #expect(
      errorMessage("vocab.txt", [UInt8](repeating: 65, count: 65 << 20)).contains("too large"))
  }

  @Test func unreadableFilesAreNamed() {
    let folder = TemporaryFolder().path
    #expect(
      throws: TokenizationError("\(folder): cannot be read as a vocabulary: not a regular file")
    ) {
      try WordPieceTokenizer(vocabularyPath: folder)
    }
    #expect(
      throws: TokenizationError("/no: cannot be read as a vocabulary: No such file or directory")
    ) {
      try WordPieceTokenizer(vocabularyPath: "/no")
    }
  }

  private static let normalizer = #""normalizer": {"type": "BertNormalizer", "lowercase": true}"#
  private static let words =
    ###"{"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "caf\u00e9": 3, "##s": 4, "dog": 5}"###

  @Test func aTokenizerFileIsAccepted() throws {
    let text = """
      {\(Self.normalizer), "model": {"type": "WordPiece", "vocab": \(Self.words)},
       "added_tokens": [{"id": 2, "content": "[SEP]"}, {"id": 6, "content": "[ENC]"}]}
      """
    let path = TemporaryFolder().write("tokenizer.json", text.utf8)
    let tokenizer = try WordPieceTokenizer(vocabularyPath: path)
    #expect(tokenizer.count == 7)
    #expect(tokenizer.id(of: "caf\u{e9}") == 3 && tokenizer.id(of: "cafe\u{301}") == nil)
    #expect(tokenizer.id(of: "[ENC]") == 6)
    #expect(tokenizer.encode("Dogs cat") == [1, 5, 4, 0, 2])
    #expect(tokenizer.decode([5, 4, 6]) == "dogs")
  }

  @Test(arguments: [
    ("{", "not a tokenizer's JSON"), ("[]", "not an uncased BERT"), ("{}", "not an uncased BERT"),
    ("{\(normalizer), \"model\": {\"vocab\": []}}", "not an uncased BERT"),
    ("{\(normalizer), \"model\": {\"type\": \"BPE\", \"vocab\": \(words)}}", "not an uncased BERT"),
    (
      "{\"normalizer\": {\"type\": \"BertNormalizer\", \"lowercase\": false}, \"model\": {\"vocab\": \(words)}}",
      "not an uncased BERT"
    ),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": -1}}}", "token \"a\" has no id"),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": 1000000000000}}}", "token \"a\" has no id"),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": \"b\"}}}", "token \"a\" has no id"),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": 1.5}}}", "token \"a\" has no id"),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": 1e400}}}", "token \"a\" has no id"),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": null}}}", "token \"a\" has no id"),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": 0, \"b\": 2}}}", "no token has the id 1"),
    (
      "{\(normalizer), \"model\": {\"vocab\": {\"\u{e9}\": 0, \"e\u{301}\": 1, \"b\": 2}}}",
      "in two equivalent spellings"
    ),
    (String(repeating: "[", count: 100_000), "not a tokenizer's JSON"),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": 1, \"b\": 1}}}", "have the id 1"),
    (
      "{\(normalizer), \"model\": {\"vocab\": {\"a\": 0}}, \"added_tokens\": [{\"id\": 1, \"content\": \"a\"}]}",
      "ids 0 and 1 have the same token"
    ),
    ("{\(normalizer), \"model\": {\"vocab\": {}}}", "[UNK] is missing"),
  ])
  func unsupportedTokenizerFilesAreRejected(text: String, reason: String) {
    let message = errorMessage("tokenizer.json", text.utf8)
    #expect(message.contains(reason), "\(message)")
  }
}
