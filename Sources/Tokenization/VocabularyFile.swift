import FoundationEssentials
import Glibc

extension Vocabulary {
  /// Reads `vocab.txt` (one token per line, whose id is the line number from 0) or a
  /// `tokenizer.json`.
  init(path: String) throws(TokenizationError) {
    let bytes = try readFile(path)
    guard String(validating: bytes, as: UTF8.self) != nil, !bytes.contains(0) else {
      throw TokenizationError(
        "\(path): not a vocabulary: it contains bytes that are not UTF-8 text")
    }
    if path.hasSuffix(".json") {
      try self.init(tokenizer: bytes, path: path)
    } else {
      try self.init(lines: bytes, path: path)
    }
  }

  private init(lines bytes: [UInt8], path: String) throws(TokenizationError) {
    var tokens: [Range<Int>] = []
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      // Trailing whitespace, such as a carriage return, is not part of the token.
      var last = end
      while last > start, bytes[last - 1] <= 0x20 { last -= 1 }
      guard last > start else {
        throw TokenizationError("\(path): line \(tokens.count + 1) contains no token")
      }
      guard tokens.count < maximumTokens else {
        throw TokenizationError("\(path): more than \(maximumTokens) lines; not a vocabulary")
      }
      tokens.append(start..<last)
      start = end + 1
    }
    try self.init(bytes: bytes, tokens: tokens) { first, second in
      TokenizationError("\(path): lines \(first + 1) and \(second + 1) contain the same token")
    }
  }

  /// Reads the vocabulary of a `tokenizer.json` after checking that its tokenizer is BERT's uncased
  /// WordPiece.
  private init(tokenizer bytes: [UInt8], path: String) throws(TokenizationError) {
    let unsupported = TokenizationError("\(path): not an uncased BERT WordPiece tokenizer")
    let file: TokenizerFile
    do {
      file = try JSONDecoder().decode(TokenizerFile.self, from: Data(bytes))
    } catch DecodingError.dataCorrupted {
      throw TokenizationError("\(path): not a tokenizer's JSON; is the file complete?")
    } catch {
      throw unsupported
    }
    guard file.isUncasedBERT else { throw unsupported }

    var tokenOf: [Int: String] = [:]
    func assign(_ token: String, _ id: TokenizerFile.Identifier) throws(TokenizationError) {
      guard let id = id.value, 0..<maximumTokens ~= id, !token.isEmpty else {
        throw TokenizationError(
          "\(path): token \"\(token)\" has no id from 0 to \(maximumTokens - 1)")
      }
      let other = tokenOf.updateValue(token, forKey: id) ?? token
      guard other.utf8.elementsEqual(token.utf8) else {
        throw TokenizationError("\(path): tokens \"\(other)\" and \"\(token)\" have the id \(id)")
      }
    }
    for (token, id) in file.model.vocab { try assign(token, id) }
    for added in file.addedTokens ?? [] { try assign(added.content, added.id) }

    var text: [UInt8] = []
    var tokens = [Range<Int>](repeating: 0..<0, count: (tokenOf.keys.max() ?? -1) + 1)
    for id in tokens.indices {
      // The decoder keeps only one of two tokens that are canonically equivalent in Unicode.
      guard let token = tokenOf[id] else {
        throw TokenizationError(
          "\(path): no token has the id \(id), or its token occurs in two equivalent spellings")
      }
      tokens[id] = text.count..<text.count + token.utf8.count
      text += token.utf8
    }
    try self.init(bytes: text, tokens: tokens) { first, second in
      TokenizationError("\(path): ids \(first) and \(second) have the same token")
    }
  }
}

/// Far more than any real vocabulary has.
private let maximumTokens = 1_000_000

/// The parts of a `tokenizer.json` that determine how words are split.
private struct TokenizerFile: Decodable {
  let normalizer: Normalizer
  let model: Model
  let addedTokens: [AddedToken]?

  private enum CodingKeys: String, CodingKey {
    case normalizer, model
    case addedTokens = "added_tokens"
  }

  struct Normalizer: Decodable {
    let type: String
    let lowercase: Bool
    let cleanText, handleChineseChars, stripAccents: Bool?

    private enum CodingKeys: String, CodingKey {
      case type, lowercase
      case cleanText = "clean_text"
      case handleChineseChars = "handle_chinese_chars"
      case stripAccents = "strip_accents"
    }
  }

  struct Model: Decodable {
    let type, continuingSubwordPrefix, unknownToken: String?
    let longestWord: Int?
    let vocab: [String: Identifier]

    private enum CodingKeys: String, CodingKey {
      case type, vocab
      case continuingSubwordPrefix = "continuing_subword_prefix"
      case unknownToken = "unk_token"
      case longestWord = "max_input_chars_per_word"
    }
  }

  struct AddedToken: Decodable {
    let content: String
    let id: Identifier
  }

  /// A token's id; nil if it is not an integer, so that the error can name the token.
  struct Identifier: Decodable {
    let value: Int?

    init(from decoder: any Decoder) throws {
      value = try? decoder.singleValueContainer().decode(Int.self)
    }
  }

  /// Missing keys have BERT's values.
  var isUncasedBERT: Bool {
    normalizer.type == "BertNormalizer" && normalizer.lowercase
      && normalizer.cleanText ?? true && normalizer.handleChineseChars ?? true
      && normalizer.stripAccents ?? true && model.type ?? "WordPiece" == "WordPiece"
      && model.continuingSubwordPrefix ?? "##" == "##" && model.unknownToken ?? "[UNK]" == "[UNK]"
      && model.longestWord ?? 100 == 100
  }
}

private func readFile(_ path: String) throws(TokenizationError) -> [UInt8] {
  func unreadable(_ reason: String) -> TokenizationError {
    TokenizationError("\(path): cannot be read as a vocabulary: \(reason)")
  }
  // Non-blocking, so as not to wait for a writer if the path is a FIFO.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw unreadable(String(cString: strerror(errno))) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
    throw unreadable("not a regular file")
  }
  let size = Int(status.st_size)
  guard size <= 64 << 20 else { throw unreadable("it is too large (\(size) bytes)") }
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
    while filled < size {
      let got = read(descriptor, buffer.baseAddress.map { $0 + filled }, size - filled)
      if got < 0 && errno == EINTR { continue }
      if got <= 0 { break }
      filled += got
    }
  }
  guard bytes.count == size else { throw unreadable("it ends too early") }
  return bytes
}
