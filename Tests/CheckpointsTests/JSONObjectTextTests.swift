import Testing

@testable import Checkpoints

@Suite struct JSONObjectTextTests {
  private func text(_ text: JSONObjectText) -> String {
    String(decoding: text.bytes, as: UTF8.self)
  }

  private func set(_ original: String, _ path: [String], _ value: String) -> String {
    var object = JSONObjectText(Array(original.utf8))
    return object.set(path, to: value) ? text(object) : "not set"
  }

  @Test func onlyTheValueChanges() {
    let file = "{ \"a\" : 1,\n\t\"b\": {\"c\": \"x\\\"}\", \"d\" : [1, {\"c\": 2}] } }\n"
    #expect(set(file, ["b", "c"], "7") == file.replacing("\"x\\\"}\"", with: "7"))
    #expect(set(file, ["a"], "null") == file.replacing(": 1,", with: ": null,"))
    #expect(set(file, ["b", "d"], "0") == file.replacing("[1, {\"c\": 2}]", with: "0"))
  }

  @Test func whatIsMissingIsAppendedInTheSameLayout() {
    #expect(set(#"{"a": 1, "b": 2}"#, ["c", "d"], "3") == #"{"a": 1, "b": 2, "c": {"d": 3}}"#)
    #expect(set(#"{"a": 1}"#, ["c"], "3") == #"{"a": 1, "c": 3}"#)
    #expect(set("{}", ["c"], "3") == #"{"c": 3}"#)
    #expect(set("{\n  \"a\": 1\n}\n", ["c"], "3") == "{\n  \"a\": 1,\n  \"c\": 3\n}\n")
    #expect(set(#"{"c": 1}"#, ["c", "d"], "3") == #"{"c": {"d": 3}}"#)
  }

  @Test(arguments: [
    "", "[]", "7", "{", #"{"a""#, #"{"a": "#, #"{"a": 1"#, #"{"a": "\"#, #"{"a": {}"#,
  ])
  func whatIsNoObjectIsLeftAlone(_ file: String) {
    #expect(set(file, ["a", "b"], "1") == "not set")
    #expect(text(JSONObjectText(Array(file.utf8)).removing("a")) == file)
    #expect(JSONObjectText(Array(file.utf8)).value(at: ["a"]) == nil)
  }

  @Test(arguments: [
    "{\n \"a\": 1\n}", #"{"a": 1, "b": {"blip": 2}}"#, #"{"x": "\"blip\": {}"}"#, "{\"a\":[]}",
  ]) func appendedMembersLeaveNoTrace(_ file: String) {
    var object = JSONObjectText(Array(file.utf8))
    let isSet = [
      object.set(["blip", "a", "b"], to: "[1, 2]"), object.set(["blip", "c"], to: "\"}\""),
    ]
    #expect(isSet == [true, true])
    #expect(object.bytes.count > file.utf8.count)
    #expect(text(object.removing("blip")) == file)
  }

  @Test func allMembersOfANameAreRemoved() {
    let file = JSONObjectText(Array(#"{"blip": 1, "a": 2, "blip": {"a": 3}, "blip": []}"#.utf8))
    #expect(text(file.removing("blip")) == #"{"a": 2}"#)
    #expect(text(JSONObjectText(Array(#"{"blip": 1}"#.utf8)).removing("blip")) == "{}")
  }
}
