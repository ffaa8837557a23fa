internal import CStemmer

/// Snowball's stemmer for English (Porter2), for words of small ASCII letters.
final class Stemmer {
  private let stemmer: OpaquePointer
  /// Words repeat; a stem costs more than a look here.
  private var known: [[UInt8]: [UInt8]] = [:]
  private static let mostKnown = 1 << 15

  init() {
    guard let stemmer = sb_stemmer_new("english", nil) else {
      preconditionFailure("libstemmer has no English stemmer, or there is no memory")
    }
    self.stemmer = stemmer
  }

  deinit { sb_stemmer_delete(stemmer) }

  func stem(_ word: [UInt8]) -> [UInt8] {
    if let known = known[word] { return known }
    guard let stem = sb_stemmer_stem(stemmer, word, Int32(word.count)) else {
      preconditionFailure("no memory for the stem of a word")
    }
    let result = Array(UnsafeBufferPointer(start: stem, count: Int(sb_stemmer_length(stemmer))))
    if known.count >= Self.mostKnown { known.removeAll(keepingCapacity: true) }
    known[word] = result
    return result
  }
}
