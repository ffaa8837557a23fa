import TestSupport
import Testing

@testable import Captions

@Suite("A captions file") struct CaptionFileTests {
  private func records(_ text: String, _ name: String = "captions.json") throws -> [CaptionRecord] {
    try CaptionFile.records(at: TemporaryFolder().write(name, text.utf8))
  }

  private func record(_ name: String, _ captions: String...) -> CaptionRecord {
    CaptionRecord(names: [name], captions: captions)
  }

  @Test("of BLIP: one caption or a list") func blip() throws {
    let text = #"""
      [{"image": "a.png", "caption": "A dog."}, {"image_id": 7, "caption": ["one", "two\nlines"],
        "image": "b/\u00e9.png"}]
      """#
    let expected = [record("a.png", "A dog."), record("b/é.png", "one", "two lines")]
    #expect(try records(text) == expected)
    #expect(
      try records("\u{FEFF}" + text.split(separator: "\n").joined(separator: "\r\n")) == expected)
    #expect(try records("[]") == [])
  }

  @Test("of Karpathy, with and without the folder, and things around the images") func karpathy()
    throws
  {
    let text = #"""
      {"dataset": "coco", "more": {"images": [1, "]"]}, "images": [
        {"filepath": "val2014", "filename": "x.jpg", "split": "test", "sentids": [1, 2],
         "sentences": [{"tokens": ["a"], "raw": "A dog."}, {"raw": " Two\t dogs. "}]},
        {"filename": "y.jpg", "sentences": []}
      ], "after": [{"}": "\"]"}]}
      """#
    #expect(
      try records(text) == [
        CaptionRecord(
          names: ["val2014/x.jpg", "x.jpg"], captions: ["A dog.", "Two dogs."], split: "test"),
        CaptionRecord(names: ["y.jpg"], captions: []),
      ])
  }

  @Test("of labels, where there is no caption") func labels() throws {
    let text =
      #"[{"image": "a.png", "label": "daisy"}, {"image": "b.png", "caption": "B", "label": "x"}]"#
    #expect(
      try records(text) == [
        CaptionRecord(names: ["a.png"], captions: ["daisy"], isLabel: true), record("b.png", "B"),
      ])
  }

  @Test("of JSON lines") func jsonLines() throws {
    let text = #"""
      {"image": "a.png", "text": "A { brace"}

      {"path": "b.png", "caption": ["B"]}
      """#
    #expect(
      try records(text, "captions.jsonl") == [record("a.png", "A { brace"), record("b.png", "B")])
    #expect(try records(#"{"image": "a.png", "caption": "A"}"#) == [record("a.png", "A")])
  }

  @Test("of comma-separated values, quoted as RFC 4180 has it") func csv() throws {
    let text =
      "\u{FEFF}id,Image,\"caption\"\r\n1,a.png,plain\r\n\r\n"
      + "2,\"b, c.png\",\"says \"\"hi\"\",\nthen goes\"\r\n3,d.png,5\" wide\r\n4,e.png,"
    #expect(
      try records(text, "captions.csv") == [
        record("a.png", "plain"), record("b, c.png", "says \"hi\", then goes"),
        record("d.png", "5\" wide"), record("e.png"),
      ])
  }

  @Test("of tab-separated values, where quotes are plain") func tsv() throws {
    #expect(
      try records("filename\tcaption\na.png\t\"A, b\nc.png\td\n", "captions.tsv") == [
        record("a.png", "\"A, b"), record("c.png", "d"),
      ])
    #expect(try records("path\ttext\na.png\tA", "captions.txt") == [record("a.png", "A")])
  }

  @Test(
    "that is malformed is told with its line and what was expected",
    arguments: [
      ("", "empty"),
      ("   \n", "empty"),
      ("[\n{\"image\": \"a.png\",\n \"caption\": tru}]", "line 2: the record that begins here"),
      ("[{\"image\": \"a.png\", \"caption\": null}]", "\"caption\""),
      ("[{\"filename\": \"a.png\", \"sentences\": {}}]", "\"sentences\""),
      ("[{\"image\": \"a.png\", \"caption\": \"A\"}\n{\"image\": \"b.png\"}]", "line 2"),
      ("[{\"image\": \"a.png\", \"caption\": \"A\"},\n\n{\"caption\": \"B\"}]", "line 3"),
      ("[{\"image\": \"a.png\"}]", "\"caption\""),
      ("[{\"image\": 7, \"caption\": \"A\"}]", "\"image\""),
      ("[{\"image\": \"a.png\", \"caption\": [\"A\", 7]}]", "\"caption\""),
      ("[{\"filename\": \"a.png\", \"sentences\": [{\"tokens\": []}]}]", "\"raw\""),
      ("[{\"image\": \"a.png\", \"caption\": \"A\"}", "whole"),
      ("[{\"image\": \"a.png\", \"capt", "whole"),
      ("[1, 2]", "line 1"),
      ("[{\"image\": \"a.png\", \"caption\": \"A\"}] x", "line 1"),
      ("{\"images\": [{\"filename\": \"a.png\", \"sentences\": []}", "whole"),
      ("{\"images\": 7}", "picture"),
      ("name,words\na.png,A", "image and caption"),
      ("image,caption\na.png,A, b", "line 2"),
      ("image,caption\na.png,A\nb.png,\"B\n", "line 3"),
      ("just some text", "image and caption"),
    ])
  func malformed(_ text: String, _ says: String) {
    let error = #expect(throws: CaptionError.self) { try records(text) }
    #expect(error?.description.contains("captions.json") == true)
    #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
  }

  @Test("with bytes that are not UTF-8, or nested without end, is an error") func hostile() {
    let folder = TemporaryFolder()
    let latin = folder.write("latin.csv", Array("image,caption\na.png,caf".utf8) + [0xE9])
    let json = folder.write(
      "latin.json", Array("[{\"image\":\"a\",\"caption\":\"".utf8) + [0xE9] + Array("\"}]".utf8))
    let wide = folder.write("wide.csv", [0xFF, 0xFE, 0x69, 0x00])
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
    for path in [latin, json, wide, deep, shut, long, folder.path, folder.path + "/none.json"] {
      let error = #expect(throws: CaptionError.self) { try CaptionFile.records(at: path) }
      #expect(error?.description.contains(path) == true)
    }
  }

  @Test("cut off anywhere is an error or its first records, never a crash") func cutOff() throws {
    let whole = Array(
      #"{"images": [{"filename": "ä", "sentences": [{"raw": "b\"\\"}]}], "x": {"y": []}}"#.utf8)
    for count in 0..<whole.count {
      let path = TemporaryFolder().write("cut.json", whole.prefix(count))
      #expect(throws: CaptionError.self) { try CaptionFile.records(at: path) }
    }
  }
}
