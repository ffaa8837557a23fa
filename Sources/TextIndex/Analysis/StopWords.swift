/// Words that nearly every English text has: they are left out of the index and of queries (the list of
/// Apache Lucene's EnglishAnalyzer).
let stopWords: Set<[UInt8]> = Set(
  """
  a an and are as at be but by for if in into is it no not of on or such that the their then there \
  these they this to was will with
  """.split(separator: " ").map { Array($0.utf8) })

/// Whether a word is one that nearly every English text has.
package func isStopWord(_ word: String) -> Bool {
  stopWords.contains(Array(word.lowercased().utf8))
}
