import Testing

@testable import TextIndex

@Suite("The analysis of texts into terms")
struct AnalyzerTests {
  private let analyzer = Analyzer()

  private func terms(_ text: String, for purpose: Analyzer.Purpose = .index) -> [String] {
    analyzer.terms(of: text, for: purpose)
  }

  @Test(
    "folds case and diacritics of any script",
    arguments: [
      ("ZANZIBAR Zanzíbar zanzibar", "zanzibar"), ("CAFÉ cafe\u{301} café", "cafe"),
      ("Straße STRASSE strasse", "strass"), ("ΟΔΟΣ οδός ΌΔΟΣ", "οδοσ"),
      ("МОСКВА́ Москва москва", "москва"), ("Ｔｏｋｙｏ tokyo", "tokyo"),
    ])
  func folding(text: String, term: String) {
    #expect(Set(terms(text)) == [term], "\(terms(text))")
  }

  @Test("stems English words, and leaves out words that every text has")
  func stemming() {
    #expect(terms("The dogs' running, and a dog's runs!") == ["dog", "run", "dog", "run"])
    #expect(terms("flying ponies' skies") == ["fli", "poni", "sky"])
    #expect(terms("the of and").isEmpty && terms("").isEmpty && terms(" -- '' ").isEmpty)
  }

  @Test("keeps numbers, and divides at everything that is no letter")
  func division() {
    #expect(terms("IMG_0042-final.v2") == ["img", "0042", "final", "v2"])
    #expect(terms("a.b/c\\d|e\u{0}f\ng") == ["b", "c", "d", "e", "f", "g"])
  }

  @Test("makes pairs of characters of scripts without spaces; single ones are found too")
  func unspaced() {
    #expect(terms("犬") == ["犬"])
    #expect(terms("東京都") == ["東", "京", "都", "東京", "京都"])
    #expect(terms("東京都", for: .query) == ["東京", "京都"])
    #expect(terms("犬", for: .query) == ["犬"])
    #expect(terms("red 東京 car", for: .query) == ["red", "東京", "car"])
    #expect(terms("사진", for: .query) == ["사진"])
    // As macOS writes names.
    #expect(terms("\u{1109}\u{1161}\u{110C}\u{1175}\u{11AB}", for: .query) == ["사진"])
    #expect(terms("ภาพ", for: .query) == terms("ภาพ", for: .query))
  }

  @Test("takes joined names apart, and keeps the whole")
  func names() {
    #expect(analyzer.terms(ofName: "BeachHouse2") == ["beachhouse2", "beach", "hous", "2"])
    #expect(analyzer.terms(ofName: "DSC00123") == ["dsc00123", "dsc", "00123"])
    #expect(analyzer.terms(ofName: "summer holidays") == ["summer", "holiday"])
  }

  @Test("bounds the length of a term, whatever comes")
  func bounds() {
    for text in [
      String(repeating: "x", count: 100_000), String(repeating: "ж", count: 10_000),
      String(repeating: "e\u{301}", count: 1000), String(repeating: "'", count: 1000) + "s",
    ] {
      for term in terms(text) {
        #expect(!term.isEmpty && term.utf8.count <= Analyzer.maximumTermBytes)
      }
    }
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let text = String(
        decoding: (0..<60).map { _ in UInt16.random(in: 0...(.max), using: &random) },
        as: UTF16.self)
      for term in terms(text) + terms(text, for: .query) {
        #expect(!term.isEmpty && !term.utf8.contains(0))
        #expect(term.utf8.count <= Analyzer.maximumTermBytes)
      }
    }
  }

  @Test("says which version it is, by the stems of the library")
  func version() {
    #expect(analyzer.version == Analyzer().version && analyzer.version.hasPrefix("1-"))
  }
}
