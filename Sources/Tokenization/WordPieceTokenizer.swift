internal import TextNormalization

/// BERT's uncased WordPiece tokenizer: gives the same ids as Hugging Face's `BertTokenizer` for any
/// text.
///
/// Control characters are removed, accents are stripped and letters are lower-cased; the text is
/// split into words at whitespace and around punctuation and ideographs; each word is split
/// greedily from the left into the longest pieces in the vocabulary, or becomes [UNK] if that fails
/// or the word is longer than 100 characters. As in the reference, [UNK], [CLS], [SEP], [PAD] and
/// [MASK] in upper case in the text stand for those tokens; `cleanCaption` leaves no upper case.
public struct WordPieceTokenizer: Sendable {
  private let vocabulary: Vocabulary
  private let unknown, classification, separator: Int32
  /// The special tokens that are recognised in text, without their opening bracket.
  private let specialTokens: [(letters: [UInt8], id: Int32)]
  /// The special tokens that `decode` omits.
  private let omitted: Set<Int32>

  /// Reads a `vocab.txt`, or a `tokenizer.json` of an uncased BERT WordPiece tokenizer.
  public init(vocabularyPath: String) throws(TokenizationError) {
    let vocabulary = try Vocabulary(path: vocabularyPath)
    func required(_ token: String) throws(TokenizationError) -> Int32 {
      guard let id = vocabulary.id(of: token) else {
        throw TokenizationError("\(vocabularyPath): \(token) is missing; not BERT's vocabulary")
      }
      return id
    }
    unknown = try required("[UNK]")
    classification = try required("[CLS]")
    separator = try required("[SEP]")
    self.vocabulary = vocabulary
    specialTokens = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"].compactMap { token in
      vocabulary.id(of: token).map { (Array(token.utf8.dropFirst()), $0) }
    }
    omitted = Set(
      specialTokens.map(\.id) + ["[DEC]", "[ENC]"].compactMap { vocabulary.id(of: $0) })
  }

  /// The number of ids in the vocabulary: 30,522 for a published BLIP, whose [DEC] and [ENC], the
  /// next two ids, appear only in its configuration.
  public var count: Int { vocabulary.count }

  /// The id of a token as written in the vocabulary, for example `[DEC]` or `##ing`; nil if it has
  /// none.
  public func id(of token: String) -> Int32? { vocabulary.id(of: token) }

  /// The pieces of each word of ids that `encode` gave, the pieces after a word's first without their
  /// `##`; [UNK] and other special tokens are no words.
  public func words(of ids: [Int32]) -> [[String]] {
    var words: [[String]] = []
    for id in ids {
      guard let token = omitted.contains(id) ? nil : vocabulary.token(id) else { continue }
      if token.starts(with: Vocabulary.continuation), !words.isEmpty {
        let piece = token.dropFirst(Vocabulary.continuation.count)
        words[words.count - 1].append(String(decoding: piece, as: UTF8.self))
      } else {
        words.append([String(decoding: token, as: UTF8.self)])
      }
    }
    return words
  }

  /// The ids of `[CLS] text [SEP]`, truncated to `maximumLength` (at least 2), with [SEP] kept
  /// last.
  public func encode(_ text: String, maximumLength: Int = 35) -> [Int32] {
    precondition(maximumLength >= 2, "[CLS] and [SEP] alone are 2 ids")
    var ids = [classification]
    var word = Word()
    var text = text
    text.withUTF8 { bytes in
      var place = 0
      while place < bytes.count, ids.count < maximumLength {
        let byte = bytes[place]
        if byte == UInt8(ascii: "["), let special = special(in: bytes, after: place) {
          end(&word, &ids)
          ids.append(special.id)
          place += 1 + special.letters.count
        } else if byte < 0x80 {
          place += 1
          add(ascii: byte, &word, &ids)
        } else {
          var decoder = UTF8()
          var rest = UnsafeBufferPointer(rebasing: bytes[place...]).makeIterator()
          guard case .scalarValue(let scalar) = decoder.decode(&rest) else {
            preconditionFailure("a String holds UTF-8")
          }
          place += UTF8.width(scalar)
          add(scalar: scalar.value, &word, &ids)
        }
      }
      end(&word, &ids)
    }
    ids.removeLast(max(0, ids.count - (maximumLength - 1)))
    ids.append(separator)
    return ids
  }

  /// The special token that starts with the opening bracket at `bracket`; nil if there is none.
  private func special(
    in bytes: UnsafeBufferPointer<UInt8>, after bracket: Int
  ) -> (letters: [UInt8], id: Int32)? {
    let rest = bytes[(bracket + 1)...]
    return specialTokens.first { rest.starts(with: $0.letters) }
  }

  private func add(ascii byte: UInt8, _ word: inout Word, _ ids: inout [Int32]) {
    switch byte {
    case 0x61...0x7A, 0x30...0x39: word.append(byte)
    case 0x41...0x5A: word.append(byte | 0x20)
    case 0x20, 0x09, 0x0A, 0x0D: end(&word, &ids)
    case 0x21...0x7E:
      end(&word, &ids)
      word.append(byte)
      end(&word, &ids)
    default: break
    }
  }

  private func add(scalar: UInt32, _ word: inout Word, _ ids: inout [Int32]) {
    switch Normalization.uncased.outcome(scalar) {
    case .nothing: break
    case .space: end(&word, &ids)
    case .ideograph(let character):
      end(&word, &ids)
      word.append(scalar: character)
      end(&word, &ids)
    case .characters(let characters):
      for character in characters {
        let alone = Normalization.uncased.isPunctuation(character)
        if alone { end(&word, &ids) }
        word.append(scalar: character)
        if alone { end(&word, &ids) }
      }
    }
  }

  /// Ends a word and appends its pieces, or [UNK], to `ids`.
  private func end(_ word: inout Word, _ ids: inout [Int32]) {
    guard word.characters > 0 else { return }
    defer { word.clear() }
    let before = ids.count
    var start = 0
    while start < word.bytes.count {
      guard word.characters <= 100, let piece = longestPiece(of: word.bytes, from: start) else {
        ids.removeLast(ids.count - before)
        ids.append(unknown)
        return
      }
      ids.append(piece.id)
      start = piece.end
    }
  }

  /// The longest token at `start` in the word.
  private func longestPiece(of word: [UInt8], from start: Int) -> (id: Int32, end: Int)? {
    let continuing = start > 0
    var hash = TokenHash()
    if continuing { for byte in Vocabulary.continuation { hash.add(byte) } }
    var piece: (id: Int32, end: Int)?
    for end in start..<min(word.count, start + vocabulary.longest) {
      hash.add(word[end])
      // Only complete characters: skip if the next byte is a continuation byte.
      if end + 1 < word.count, word[end + 1] & 0xC0 == 0x80 { continue }
      if let id = vocabulary.id(of: word[start...end], continuing: continuing, hash: hash) {
        piece = (id, end + 1)
      }
    }
    return piece
  }

  /// The text of ids: special tokens omitted, `##` pieces joined, no space before `.`, `,`, `!` and
  /// `?`.
  public func decode(_ ids: [Int32]) -> String {
    var text: [UInt8] = []
    for id in ids where !omitted.contains(id) {
      guard let token = vocabulary.token(id) else { continue }
      if text.isEmpty {
        text += token
      } else if token.starts(with: Vocabulary.continuation) {
        text += token.dropFirst(Vocabulary.continuation.count)
      } else {
        if let first = token.first, !".,!?".utf8.contains(first) { text.append(0x20) }
        text += token
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// A word under construction.
  private struct Word {
    private(set) var bytes: [UInt8] = []
    private(set) var characters = 0

    mutating func append(_ byte: UInt8) {
      bytes.append(byte)
      characters += 1
    }

    mutating func append(scalar: UInt32) {
      guard let scalar = Unicode.Scalar(scalar) else { preconditionFailure("not a Unicode scalar") }
      bytes += scalar.utf8
      characters += 1
    }

    mutating func clear() {
      bytes.removeAll(keepingCapacity: true)
      characters = 0
    }
  }
}
