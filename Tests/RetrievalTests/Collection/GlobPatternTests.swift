import Store
import Testing

@testable import Retrieval

@Suite("--exclude patterns") struct GlobPatternTests {
  @Test(
    "match as a line of .gitignore does",
    arguments: [
      // pattern, path, is a folder, matches
      ("*.gif", "a.gif", false, true),
      ("*.gif", "deep/er/a.gif", false, true),
      ("*.gif", "a.gift", false, false),
      ("thumbs", "a/thumbs", true, true),
      ("thumbs/", "a/thumbs", true, true),
      ("thumbs/", "a/thumbs", false, false),
      ("/thumbs", "thumbs", true, true),
      ("/thumbs", "a/thumbs", true, false),
      ("a/*.png", "a/b.png", false, true),
      ("a/*.png", "a/b/c.png", false, false),
      ("a/*.png", "z/a/b.png", false, false),
      ("a/**/c.png", "a/c.png", false, true),
      ("a/**/c.png", "a/x/y/c.png", false, true),
      ("a/**/c.png", "b/x/c.png", false, false),
      ("**/c.png", "c.png", false, true),
      ("**/b/c.png", "a/b/c.png", false, true),
      ("a/**", "a/b/c.png", false, true),
      ("a/**", "a", true, false),
      ("img?.png", "img1.png", false, true),
      ("img?.png", "imgé.png", false, true),
      ("img?.png", "img.png", false, false),
      ("img?.png", "img12.png", false, false),
      ("[a-c]*.png", "beach.png", false, true),
      ("[a-c]*.png", "dog.png", false, false),
      ("[!a-c]*.png", "dog.png", false, true),
      ("[!a-c]*.png", "beach.png", false, false),
      ("[]x].png", "].png", false, true),
      ("[a-].png", "-.png", false, true),
      (#"\*.png"#, "*.png", false, true),
      (#"\*.png"#, "a.png", false, false),
      ("a*b*c", "aXbXbXc", false, true),
      ("a*b*c", "aXbXbX", false, false),
      ("*", "anything", false, true),
      ("**", "a/b", false, true),
      ("a/**b", "a/xb", false, true),
      ("a/**b", "a/x/b", false, false),
      ("a[/]b", "a/b", false, false),
      ("a\\/b", "a/b", false, true),
      ("[[:digit:]]*", "1.png", false, true),
      ("[[:digit:]]*", "x.png", false, false),
      ("[[:alpha:]_-]x", "-x", false, true),
      ("[!]a]x", "]x", false, false),
      ("[\\]]x", "]x", false, true),
      ("a b ", "a b", false, true),
      ("a\\ ", "a ", false, true),
      ("\\#a", "#a", false, true),
      ("\\!a", "!a", false, true),
      ("!a", "a", false, true),
    ])
  func matching(_ pattern: String, _ path: String, _ isFolder: Bool, _ matches: Bool) throws {
    #expect(try GlobPattern(pattern).matches(Array(path.utf8), isFolder: isFolder) == matches)
  }

  @Test("match names that are not UTF-8") func foreignBytes() throws {
    let name = Array("caf".utf8) + [0xE9] + Array(".png".utf8)
    #expect(try GlobPattern("caf?.png").matches(name, isFolder: false))
    #expect(try GlobPattern("*.png").matches(name, isFolder: false))
    #expect(try !GlobPattern("café.png").matches(name, isFolder: false))
  }

  @Test("with many stars take no exponential time") func manyStars() throws {
    let pattern = try GlobPattern(String(repeating: "*a", count: 40) + "b")
    #expect(!pattern.matches([UInt8](repeating: UInt8(ascii: "a"), count: 250), isFolder: false))
  }

  @Test(
    "that can match nothing are errors",
    arguments: ["", "/", "[abc", "a//b", "# x", "x\\", "[[:letter:]]"])
  func malformed(_ pattern: String) {
    #expect(throws: RetrievalError.self) { try GlobPattern(pattern) }
  }
}
