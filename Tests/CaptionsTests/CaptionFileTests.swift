import TestSupport
import Testing

@testable import Captions

/// A captions file of a text.
func captions(_ text: some Sequence<UInt8>, _ name: String = "captions.json") throws -> CaptionFile
{
  try CaptionFile(at: TemporaryFolder().write(name, text))
}

func record(_ name: String, _ captions: String...) -> CaptionRecord {
  CaptionRecord(names: [name], captions: captions)
}

@Suite("A captions file") struct CaptionFileTests {
  private func records(_ text: String, _ name: String = "captions.json") throws -> [CaptionRecord] {
    let file = try captions(text.utf8, name)
    #expect(file.warnings == [])
    return file.records
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

  @Test("of COCO: annotations by the ids of images, in any order, numbers or strings") func coco()
    throws
  {
    let images = #"""
      "images": [{"license": 5, "file_name": "a.jpg", "id": 391895}, {"file_name": "b.jpg", "id": "x"},
        {"file_name": "c.jpg", "id": 3}]
      """#
    let annotations = #"""
      "annotations": [{"image_id": "x", "id": 1, "caption": "B"},
        {"image_id": 391895, "id": 38, "caption": "A\n"}, {"image_id": "391895", "caption": "again"}]
      """#
    let expected = [record("a.jpg", "A", "again"), record("b.jpg", "B"), record("c.jpg")]
    for parts in [[images, annotations], [annotations, images]] {
      let text = "{\"info\": {\"year\": 2014}, \(parts.joined(separator: ", ")), \"licenses\": []}"
      #expect(try records(text) == expected)
    }
    #expect(
      try records(#"{"annotations": [{"image": "a.jpg", "caption": "A"}]}"#) == [
        record("a.jpg", "A")
      ])
  }

  @Test("of captions by the names of pictures") func mapping() throws {
    #expect(
      try records(#"{"a.jpg": "A", "b\u00e9.jpg": ["B", "b"]}"#) == [
        record("a.jpg", "A"), record("bé.jpg", "B", "b"),
      ])
    let file = try captions("{\"a.jpg\": null,\n\"b.jpg\": \"B\"}\n".utf8)
    #expect(file.records == [record("a.jpg"), record("b.jpg", "B")])
    #expect(file.warnings.first?.contains("record 1 (line 1): \"caption\" is null") == true)
    #expect(throws: CaptionError.self) { try captions("{\"a.jpg\": \"A\"".utf8) }
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
      {"image": "a.png", "text": "A { brace", "images": [1]}

      {"path": "b.png", "caption": ["B"], "annotations": []}
      {"image": 7, "file_name": "c.png",
        "caption": null, "text": "C"}
      """#
    #expect(
      try records(text, "captions.jsonl") == [
        record("a.png", "A { brace"), record("b.png", "B"), record("c.png", "C"),
      ])
    #expect(try records(#"{"image": "a.png", "caption": "A"}"#) == [record("a.png", "A")])
  }

  @Test("with NaN and Infinity, which Python writes, in keys that are not read") func notNumbers()
    throws
  {
    let text = #"""
      [{"image": "NaN.png", "caption": "Infinity, -Infinity and \"NaN", "score": NaN},
       {"x": [-Infinity, Infinity,NaN], "image": "b.png", "caption": "B"}]
      """#
    #expect(
      try records(text) == [
        record("NaN.png", "Infinity, -Infinity and \"NaN"), record("b.png", "B"),
      ])
  }

  @Test("of comma-separated values, quoted as RFC 4180 has it") func csv() throws {
    let text =
      "\u{FEFF}id,Image,\"caption\"\r\n1,a.png,plain\r\n\r\n"
      + "2,\"b, c.png\",\"says \"\"hi\"\",\nthen goes\"\r\n3,d.png,5\" wide"
    #expect(
      try records(text, "captions.csv") == [
        record("a.png", "plain"), record("b, c.png", "says \"hi\", then goes"),
        record("d.png", "5\" wide"),
      ])
    #expect(try records("path;text\na.png;\"A; b\"") == [record("a.png", "A; b")])
  }

  @Test("of tab-separated values, where quotes are plain") func tsv() throws {
    #expect(
      try records("filename\tcaption\na.png\t\"A, b\nc.png\td\n", "captions.tsv") == [
        record("a.png", "\"A, b"), record("c.png", "d"),
      ])
    #expect(try records("path\ttext\na.png\tA", "captions.txt") == [record("a.png", "A")])
  }

  @Test("of Flickr30k, with pipes between the columns") func pipes() throws {
    let text = "image_name| comment_number| comment\n a.jpg| 0| Two , \" young \" men | talk .\n"
    #expect(try records(text, "results.csv") == [record("a.jpg", "Two , \" young \" men | talk .")])
  }

  @Test("of Flickr8k, with numbers behind the names and no header") func tokens() throws {
    let text = "a.jpg#0\tA child .\na.jpg#1\tA \"girl\" .\nb#2.jpg.1#10\tA dog, running .\n"
    #expect(
      try records(text, "Flickr8k.token.txt") == [
        record("a.jpg", "A child ."), record("a.jpg", "A \"girl\" ."),
        record("b#2.jpg.1", "A dog, running ."),
      ])
  }

  @Test("of pictures and captions without a header") func headless() throws {
    #expect(
      try records("a.JPG,\"A, b\"\nwith#0,c") == [record("a.JPG", "A, b"), record("with#0", "c")])
    #expect(try records("b/a.webp\tA, b") == [record("b/a.webp", "A, b")])
  }
}
