import BLIP
import FoundationEssentials
import TestSupport
import Testing
import Tokenization

@testable import Retrieval

private let flickr8k = Checkout.shared + "/data/flickr8k-dev"

@Suite("The language of a query")
struct TextLanguageTests {
  private let tokenizer: WordPieceTokenizer

  init() throws {
    tokenizer = try WordPieceTokenizer(
      vocabularyPath: BLIPModel.defaultModelPath() + "/vocab.txt")
  }

  private func language(of text: String) -> TextLanguage {
    TextLanguage(of: text, tokens: tokenizer.encode(cleanCaption(text)), tokenizer)
  }

  @Test(
    "is told where it is not English",
    arguments: [
      ("ein Hund am Strand", "German"), ("Kinder im Schnee", "German"), ("Hund", "German"),
      ("une voiture rouge", "French"), ("deux chiens dans la neige", "French"),
      ("un gato negro", "Spanish"), ("un cavallo bianco", "Italian"),
      ("um cachorro na praia", "Portuguese"),
      ("twee kinderen spelen in het water", "Dutch"), ("mężczyzna na rowerze", "Polish"),
      ("en svart hund på stranden", "Swedish"), ("koira ja kissa", "Finnish"),
      ("egy fekete kutya", "Hungarian"), ("siyah bir köpek", "Turkish"),
      ("犬", "Chinese or Japanese"), ("ビーチの犬", "Japanese"), ("빨간 자동차", "Korean"),
      ("собака", "the Cyrillic script"), ("قطة", "the Arabic script"), ("ένας σκύλος", "Greek"),
      ("หมา", "Thai"), ("ᚺᚢᚾᛞ", "another script"),
    ])
  func foreign(text: String, name: String) {
    let language = language(of: text)
    #expect(language.other == name)
    #expect(language.isForeign)
  }

  @Test(
    "is unknown where less than half of the words are",
    arguments: [
      "asdf qwerty zxcv", "blorf snargle wib", "xxyyzz", "lkjhg fdsa poiuy", "quuxly frobnicate",
      "zzgrmpf", "hjkl hjkl hjkl", "😀", String(repeating: "x", count: 200),
    ])
  func nonsense(text: String) {
    let language = language(of: text)
    #expect(language.other == nil && language.knownCount == 0 && language.wordCount > 0)
    #expect(language.isForeign)
  }

  @Test(
    "is English where it is, with names, rare words, numbers and foreign words in it",
    arguments: [
      "a cat", "frisbee", "giraffes", "something to hit nails with", "a rottweiler jogging",
      "los angeles", "las vegas at night", "tour de france", "rio de janeiro", "die hard",
      "a fat cat", "barn", "van", "red", "café au lait on a table", "jalapeño peppers",
      "a piñata", "kayaking", "skateboarders", "zucchini", "IMG 2024 05 31", "3 dogs",
      "the word 犬 on a sign", "a restaurant called la casa", "mount fuji", "MIT building",
    ])
  func english(text: String) {
    #expect(!language(of: text).isForeign, "\(language(of: text))")
  }

  @Test("counts the words and those it knows")
  func counts() {
    let language = language(of: "a dog qwpx, zxcv!")
    #expect(language.wordCount == 4 && language.knownCount == 2 && !language.isForeign)
  }

  @Test(
    "is English for at least 99.5 % of captions",
    .enabled(if: Checkout.has(flickr8k), "needs ../shared/data/flickr8k-dev"))
  func captions() throws {
    struct Entry: Decodable { let caption: [String] }
    let data = try Data(contentsOf: URL(filePath: flickr8k + "/captions.json"))
    let captions = try JSONDecoder().decode([Entry].self, from: data).flatMap(\.caption)
    let alarms = captions.filter { language(of: $0).isForeign }
    #expect(captions.count == 5000 && alarms.count <= 25, "\(alarms.prefix(10))")
  }
}
