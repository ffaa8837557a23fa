import TestSupport
import Testing

@testable import Tokenization

private func refusal(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
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
  @Test func linesEndAsTheyDoOnAnySystem() throws {
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

  @Test func filesThatAreNoVocabularyAreRefused() {
    let special = "[UNK]\n[CLS]\n[SEP]\n"
    #expect(refusal("vocab.txt", "".utf8).contains("[UNK] is missing"))
    #expect(refusal("vocab.txt", "[UNK]\n[SEP]\n".utf8).contains("[CLS] is missing"))
    #expect(refusal("vocab.txt", "[UNK]\n[CLS]\n".utf8).contains("[SEP] is missing"))
    #expect(refusal("vocab.txt", (special + "a\n\nb\n").utf8).contains("line 5 holds no token"))
    #expect(refusal("vocab.txt", (special + "a\nb\na\n").utf8).contains("lines 4 and 6 hold"))
    #expect(refusal("vocab.txt", (special + "a\0\n").utf8).contains("not text"))
    #expect(refusal("vocab.txt", Array(special.utf8) + [0xFF]).contains("not text"))
    let many = (0...1_000_000).map { "\(String($0, radix: 36))\n" }.joined()
    #expect(refusal("vocab.txt", many.utf8).contains("more than 1000000 lines"))
    #expect(refusal("vocab.txt", [UInt8](repeating: 65, count: 65 << 20)).contains("too many"))
  }

  @Test func whatCannotBeReadIsNamed() {
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

  @Test func aTokenizerFileIsAVocabularyToo() throws {
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
    ("{", "not JSON"), ("[]", "not an uncased BERT"), ("{}", "not an uncased BERT"),
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
      "in two spellings"
    ),
    (String(repeating: "[", count: 100_000), "not JSON"),
    ("{\(normalizer), \"model\": {\"vocab\": {\"a\": 1, \"b\": 1}}}", "have the id 1"),
    (
      "{\(normalizer), \"model\": {\"vocab\": {\"a\": 0}}, \"added_tokens\": [{\"id\": 1, \"content\": \"a\"}]}",
      "ids 0 and 1 are those of one token"
    ),
    ("{\(normalizer), \"model\": {\"vocab\": {}}}", "[UNK] is missing"),
  ])
  func tokenizerFilesThatAreNotBERTsAreRefused(text: String, reason: String) {
    let message = refusal("tokenizer.json", text.utf8)
    #expect(message.contains(reason), "\(message)")
  }
}
