import TestSupport
import Testing

@testable import Captions

@Suite("What cannot be used of a captions file") struct CaptionFaultTests {
  @Test(
    "costs one caption and is told with its place",
    arguments: [
      (#"{"image": "b.png", "caption": null}"#, "record 2 (line 2): \"caption\" is null"),
      (#"{"image": "b.png", "caption": NaN}"#, "\"caption\" is null"),
      (#"{"image": "b.png", "caption": "  "}"#, "record 2 (line 2): an empty caption"),
      (#"{"image": "b.png", "caption": {"a": 1}}"#, "\"caption\" is no string or list of them"),
      (#"{"image": "b.png", "caption": [null]}"#, "\"caption\" holds null"),
      (#"{"image": "b.png", "caption": [7]}"#, "\"caption\" holds something other than a string"),
      (#"{"image": "b.png", "sentences": {}}"#, "\"sentences\""),
      (#"{"image": "b.png", "sentences": [{"tokens": []}]}"#, "a string \"raw\""),
      (#"{"image": "b.png"}"#, "a record without captions; give it a key \"caption\""),
      (#"{"caption": "B"}"#, "a record without a picture; give it a key \"image\""),
      (#"{"image": 7, "caption": "B"}"#, "\"image\" is no string"),
      (#"{"image": "", "caption": "B"}"#, "\"image\" is no string"),
      (#"{"image": "b\u0000.png", "caption": "B"}"#, "null character"),
      (#"{"image": "b.png", "caption": tru}"#, "is not JSON"),
      (#"{"image": "b.png", "caption": ]"#, "is not JSON"),
      (#""b.png""#, "no object"),
      ("17", "no object"),
    ])
  func oneRecord(_ bad: String, _ says: String) throws {
    let good = (#"{"image": "a.png", "caption": "A"}"#, #"{"image": "c.png", "caption": "C"}"#)
    let file = try captions("[\(good.0),\n\(bad),\n\(good.1)]".utf8)
    #expect(
      file.records.filter { !$0.captions.isEmpty } == [record("a.png", "A"), record("c.png", "C")])
    #expect(file.warnings.count == 1)
    #expect(file.warnings.first?.contains("1 caption left out: record 2 (line 2): ") == true)
    #expect(file.warnings.first?.contains(says) == true, "\(file.warnings)")
    // The same as JSONL, where it is the line that counts.
    let lines = try captions("\(good.0)\n\(bad)\n\(good.1)\n".utf8)
    #expect(lines.records == file.records)
    #expect(lines.warnings.first?.contains("1 caption left out: line 2: ") == true)
    // Alone it is an error, for there is nothing to use.
    let error = #expect(throws: CaptionError.self) { try captions("[\n\(bad)]".utf8) }
    #expect(error?.description.contains("captions.json, record 1 (line 2): ") == true)
  }

  @Test("of a list is one element") func list() throws {
    let file = try captions(#"[{"image": "a", "caption": ["A", null, "", "B", 7]}]"#.utf8)
    #expect(file.records == [record("a", "A", "B")])
    #expect(file.warnings.first?.contains("3 captions left out: ") == true)
  }

  @Test("of a JSON line without its end is that line") func openLines() throws {
    for bad in [#"{"image": "b.png", "caption": "B}"#, #"{"image": "b.png""#, "B", "}"] {
      let text =
        "{\"image\": \"a\", \"caption\": \"A\"}\n\(bad)\n{\"image\": \"c\", \"text\": \"C\"}"
      let file = try captions(text.utf8)
      #expect(file.records == [record("a", "A"), record("c", "C")])
      #expect(file.warnings.first?.contains("1 caption left out: line 2: ") == true)
    }
  }

  @Test("of COCO's JSON: an annotation of an image that is not there, a second image of an id")
  func coco() throws {
    let text = #"""
      {"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}, {"file_name": "c"}],
       "annotations": [{"image_id": 2, "caption": "two"}, {"image_id": 1, "caption": "A"},
         {"image_id": 1, "caption": null}, {"image_id": 1, "bbox": []}, {"caption": "B"}]}
      """#
    let file = try captions(text.utf8)
    #expect(file.records.first == record("a", "A"))
    #expect(file.records.dropFirst().allSatisfy { $0.captions.isEmpty })
    #expect(file.warnings.first?.contains("6 captions left out: record 2 (line 1): ") == true)
    #expect(file.warnings.first?.hasSuffix("; and so on") == true)
  }

  @Test("of a table is one row") func rows() throws {
    let text = "image,caption\na,A\nb,\nc,C,d\ne,NaN\n,f\ng,null\nh\ni,\"I, i\"\n"
    let file = try captions(Array(text.utf8) + Array("é,É\nj,".utf8) + [0xFF, 0x0A])
    #expect(
      file.records.filter { !$0.captions.isEmpty } == [
        record("a", "A"), record("i", "I, i"), record("é", "É"),
      ])
    #expect(
      file.warnings.first?.contains(
        "7 captions left out: line 3: an empty caption; line 4: 3 fields instead of 2; quote")
        == true)
    // As in Flickr30k's row 19,999.
    let pipes = try captions("image_name| comment_number| comment\na| 4 A dog\nb| 0| B\n".utf8)
    #expect(pipes.records == [record("b", "B")])
    #expect(pipes.warnings.first?.contains("line 2: 2 fields instead of 3") == true)
  }

  @Test("is replaced where it is a lone surrogate") func surrogates() throws {
    let pairs: [(String, String)] = [
      (#"a \ud800 here"#, "a \u{FFFD} here"), (#"\udc00\uD83D"#, "\u{FFFD}\u{FFFD}"),
      (#"\uDBFF\uDBFF\uDFFF"#, "\u{FFFD}\u{10FFFF}"), (#"\\\ud800"#, "\\\u{FFFD}"),
      (#"\"\ud800\u0041"#, "\"\u{FFFD}A"),
    ]
    for (escaped, expected) in pairs {
      let file = try captions("[{\"image\": \"a\", \"caption\": \"\(escaped)\"}]".utf8)
      #expect(file.records == [record("a", expected)])
      #expect(file.warnings.first?.contains("became U+FFFD, first in record 1 (line 1)") == true)
    }
    for (escaped, expected) in [(#"\ud83d\ude00"#, "\u{1F600}"), (#"\\ud800"#, #"\ud800"#)] {
      let file = try captions("[{\"image\": \"a\", \"caption\": \"\(escaped)\"}]".utf8)
      #expect(file.records == [record("a", expected)])
      #expect(file.warnings == [])
    }
  }

  @Test(
    "of the whole is an error with its line",
    arguments: [
      ("", "empty"),
      ("   \n", "empty"),
      ("[{\"image\": \"a.png\", \"caption\": \"A\"}", "whole"),
      ("[{\"image\": \"a.png\", \"capt", "whole"),
      ("[{\"image\": \"a.png\", \"caption\": \"A\"}] x", "line 1"),
      (
        "[{\"image\": \"a\", \"caption\": \"A\"}\n{\"image\": \"b\"}]",
        "line 2: found '{' where a comma"
      ),
      ("{\"images\": [{\"filename\": \"a.png\", \"sentences\": []}", "whole"),
      ("{\"images\": [{\"filename\": \"a.png\", \"sentences\": [\"A\"]}]} x", "behind the end"),
      ("{\"images\": 7}", "no string"),
      ("{}", "picture"),
      ("name,words\na.png,A", "image and caption"),
      ("image,caption\na.png,A, b", "line 2: 3 fields"),
      ("image,caption\na.png,A\nb.png,\"B\n", "line 3: a quoted field that does not end"),
      ("just some text", "image and caption"),
    ])
  func whole(_ text: String, _ says: String) {
    let error = #expect(throws: CaptionError.self) { try captions(text.utf8) }
    #expect(error?.description.contains("captions.json") == true)
    #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
  }

  @Test("nested without end, or without bound, is an error") func hostile() {
    let folder = TemporaryFolder()
    let deep = folder.write(
      "deep.json",
      Array("[{\"image\":".utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 100_000))
    let shut = folder.write(
      "shut.json",
      Array("[{\"x\":".utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 1000)
        + [UInt8](repeating: UInt8(ascii: "]"), count: 1000) + Array("}]".utf8))
    let long = folder.write(
      "long.json",
      Array("[{\"image\":\"a\",\"caption\":\"".utf8) + [UInt8](repeating: 0x61, count: 10_001)
        + Array("\"}]".utf8))
    for path in [deep, shut, long, folder.path, folder.path + "/none.json"] {
      let error = #expect(throws: CaptionError.self) { try CaptionFile(at: path) }
      #expect(error?.description.contains(path) == true)
    }
  }

  @Test("of twenty thousand open lines is found in linear time") func openObjects() throws {
    let text =
      String(repeating: "{\"image\": \"a\", {\n", count: 20_000) + #"{"image":"b","text":"B"}"#
    let file = try captions(text.utf8)
    #expect(file.records == [record("b", "B")])
    #expect(file.warnings.first?.contains("20000 captions left out") == true)
  }

  @Test("cut off anywhere is an error or its first records, never a crash") func cutOff() throws {
    let texts = [
      #"{"images": [{"filename": "ä", "sentences": [{"raw": "b\"\\"}]}], "x": {"y": []}}"#,
      #"{"annotations": [{"image_id": 1, "caption": "\ud800\u0041"}], "images": [{"id": 1, "file_name": "ö"}]}"#,
    ]
    for whole in texts.map({ Array($0.utf8) }) {
      #expect(try !captions(whole).records.isEmpty)
      for count in 0..<whole.count {
        #expect(throws: CaptionError.self) { try captions(whole.prefix(count)) }
      }
    }
  }
}
