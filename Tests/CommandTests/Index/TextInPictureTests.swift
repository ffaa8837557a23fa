import Glibc
import Images
import TestSupport
import Testing

@Suite(
  "blip index --ocr",
  .enabled(
    if: (try? ImageDecoder().requireTextReading()) != nil,
    "Tesseract or its file for English is not installed"))
struct TextInPictureTests {
  private struct Line: Decodable {
    let path: String
    let matched_in: [String]?
  }

  @Test("Words that a picture shows are found, said where, kept up, and taken out again")
  func found() throws {
    let folder = TemporaryFolder()
    let collection = folder.path
    let index = TemporaryFolder().path + "/index"
    folder.write("a.bmp", DrawnText.bitmap("HOTEL"))
    folder.write("b.jpg", Drawing.jpeg(1))
    func run(_ arguments: String...) -> Outcome {
      BlipProcess(arguments + ["--index", index]).outcome()
    }
    #expect(run("index", collection).status == 0)
    func matches(_ word: String) throws -> [String: [String]] {
      let lines = try run("search", word, "--json").objects(Line.self)
      return Dictionary(lines.map { ($0.path, $0.matched_in ?? []) }) { first, _ in first }
    }
    #expect(try matches("hotel") == ["a.bmp": [], "b.jpg": []])
    #expect(run("index", collection, "--ocr").output.contains("unchanged  2"))
    #expect(try matches("hotel")["a.bmp"] == ["text in picture"])
    #expect(run("search", "hotel").output.contains("found in: text in picture"))
    #expect(run("info").output.contains("1 picture with words"))

    folder.write("c.bmp", DrawnText.bitmap("SCHOOL"))
    #expect(run("index", collection).status == 0)
    #expect(try matches("school")["c.bmp"] == ["text in picture"])
    #expect(run("check").status == 0)
    #expect(run("index", collection, "--no-ocr").status == 0)
    #expect(try matches("hotel").values.allSatisfy(\.isEmpty))
    #expect(run("info").output.contains("not read"))
  }
}
