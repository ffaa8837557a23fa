import TestSupport
import Testing

@Suite("The page of results")
struct ResultPageTests {
  @Test("One file with everything in it: thumbnails, paths, captions, scores, all escaped")
  func page() throws {
    let collection = Shared.collection
    let file = collection.folder.path + "/page.html"
    let outcome = blip(
      "search", "stripes & <b>waves</b>", "--rerank", "2", "--index", collection.index, "--html",
      file)
    #expect(outcome.status == 0 && outcome.warnings == ["blip: wrote \(file)"])
    // A heading, four hits with a caption each, and where words of two of them were found.
    #expect(outcome.lines.count == 11)

    let page = String(decoding: readBytes(file), as: UTF8.self)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.hasSuffix("</html>\n"))
    #expect(page.ranges(of: "<figure ").count == 4)
    #expect(page.ranges(of: "src=\"data:image/jpeg;base64,/9j/").count == 4)
    #expect(page.ranges(of: "src=").count == 4 && !page.contains("http:"))
    #expect(!page.contains("https:") && !page.contains("<script") && !page.contains("<link"))
    #expect(page.ranges(of: "<meter").count == 4)
    // A click opens the file, and who does not see the pictures is told what they show.
    #expect(page.ranges(of: "href=\"file://\(collection.pictures)/picture-0").count == 4)
    #expect(page.contains("alt=\"a red wall\"") && !page.contains("alt=\"\""))
    for text in [
      "stripes &amp; &lt;b&gt;waves&lt;/b&gt;", "green waves &amp; &lt;ripples&gt;",
      "pink &quot;dots&quot;", "picture-03.jpg", "four",
    ] {
      #expect(page.contains(text), "\(text)")
    }
    #expect(!page.contains("<ripples>") && !page.contains("<b>waves"))
  }

  @Test("A picture that is gone has a tile that says so; the page is written all the same")
  func missing() {
    let collection = Collection(pictures: 2)
    collection.update()
    collection.remove("picture-01.jpg")
    let file = collection.folder.path + "/page.html"
    let outcome = blip("search", "a wall", "--index", collection.index, "--html", file)
    #expect(outcome.status == 0 && outcome.errors.contains("picture-01.jpg"))
    let page = String(decoding: readBytes(file), as: UTF8.self)
    #expect(page.ranges(of: "<figure ").count == 2 && page.ranges(of: "<img").count == 1)
    #expect(page.contains("can no longer be read"))
  }

  @Test("For a picture, the page shows it")
  func pictureQuery() {
    let collection = Shared.collection
    let file = collection.folder.path + "/like.html"
    let outcome = blip(
      "search", collection.pictures + "/picture-00.jpg", "-k", "2", "--index", collection.index,
      "--html", file)
    #expect(outcome.status == 0)
    let page = String(decoding: readBytes(file), as: UTF8.self)
    #expect(page.ranges(of: "<img").count == 3)
  }

  @Test("A page that cannot be written is an error, and leaves nothing behind")
  func unwritable() {
    let collection = Shared.collection
    for place in ["/none/such/page.html", collection.pictures] {
      let outcome = blip("search", "a wall", "--index", collection.index, "--html", place)
      #expect(outcome.status == 1 && outcome.errorLines.last?.contains(place) == true)
    }
  }
}
