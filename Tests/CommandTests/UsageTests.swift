import Files
import Testing

@Suite("Usage")
struct UsageTests {
  @Test("--version tells the version")
  func version() {
    let outcome = blip("--version")
    #expect(outcome.status == 0 && outcome.output == "0.1.0\n" && outcome.errors.isEmpty)
  }

  @Test(
    "Wrong usage exits 64, says why in its first line, and writes no results",
    arguments: [
      (["search", "x", "-k", "0"], "-k"),
      (["search", "x", "-k", "ten"], "-k"),
      (["search", "x", "-k5.5"], "-k"),
      (["search", "x", "--rerank=-1"], "--rerank"),
      (["search", "x", "--min-match", "1.5"], "--min-match"),
      (["search", "x", "--min-match", "nan"], "--min-match"),
      (["search", "x", "--json", "--paths"], "--json"),
      (["search", ""], "empty"),
      (["search", " \n"], "empty"),
      (["search", "two", "words"], "'words' (argument 2)"),
      (["search", "a beach", "-"], "'-' (argument 2)"),
      (["search", "-", "people"], "should be like"),
      (["search", "a beach", "+", "0*night"], "'0*night' (argument 3)"),
      (["search", "x", "-0"], "--paths"),
      (["search", "./a.jpg", "-", "people", "--min-match", "0.5"], "--min-match"),
      (["search", "-dog"], "-- before"),
      (["search", "a beach", "-people"], "write - people"),
      (["search", "./a.jpg", "--rerank", "5"], "--rerank"),
      (["match", "a.jpg", "--text", ""], "empty"),
      (["match", "a.jpg", "--text", "x", "-k", "3"], "--text"),
      (["index", "x", "--features", "fp8"], "int8"),
      (["index", "x", "--precision", "fp16"], "int8"),
      (["search", "x", "--precision", ""], "bf16"),
      (["search", "x", "--nprobe", "0"], "--nprobe"),
      (["search", "x", "--nprobe", "3", "--exact"], "--exact"),
      (["search", "x", "--under", ""], "--under"),
      (["search", "x", "--not-under", ""], "--not-under"),
      (["search", "x", "--since", "2024-02-30"], "2024-05-31"),
      (["search", "x", "--since", "2024", "--until", "2023-12"], "--until 2023-12"),
      (["search", "x", "--near", "91,0"], "--near '91,0'"),
      (["search", "x", "--near", "1"], "--near '1'"),
      (["search", "x", "--near", "1,2", "--within", "0"], "--within"),
      (["search", "x", "--within", "3"], "--near"),
      (["search", "x", "--type", "svg"], "jpeg, png"),
      (["search", "x", "--has", "legs"], "captions"),
      (["search", "x", "--portrait", "--landscape"], "--landscape"),
      (["search", "x", "--camera", " "], "--camera"),
      (["match", "a.jpg", "--text", "x", "--exact"], "--text"),
      (["index", "x", "--recall", "1.5"], "--recall"),
      (["index", "x", "--recall", "nan"], "--recall"),
      (["index"], "<dir>"),
      (["export"], "<dir>"),
      (["export", ""], "must not be empty"),
      (["import", "x", "--collection", ""], "--collection"),
      (["frobnicate"], "'frobnicate'; the commands are index, search"),
      (["serach", "x"], "did you mean 'search'?"),
      (["model", "lst"], "did you mean 'list'?"),
      (["help", "serach"], "did you mean 'search'?"),
      (["help", "model", "lst"], "did you mean 'list'?"),
      (["search", "x", "--jsno"], "--json"),
      (["index", "x", "--capitons", "y"], "--captions"),
      (["caption", "-", "--sidecars"], "--sidecars"),
      (["a dog"], "blip search \"a dog\""),
    ])
  func wrong(arguments: [String], mentions: String) {
    let outcome = BlipProcess(arguments).outcome()
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.errorLines.first?.hasPrefix("blip: ") == true)
    #expect(outcome.errorLines.first?.contains(mentions) == true)
  }
}

@Suite("Where the index lies")
struct IndexLocationTests {
  @Test(
    "$BLIP_INDEX, then $BLIP_HOME, then $XDG_DATA_HOME, then the home folder",
    arguments: [
      (["BLIP_INDEX": "/none/i", "BLIP_HOME": "/none/b"], "/none/i"),
      (["BLIP_HOME": "/none/b", "XDG_DATA_HOME": "/none/x"], "/none/b/indexes/default"),
      (["BLIP_INDEX": "", "XDG_DATA_HOME": "/none/x"], "/none/x/blip/indexes/default"),
      (
        ["XDG_DATA_HOME": "relative", "HOME": "/none/h"],
        "/none/h/.local/share/blip/indexes/default"
      ),
      (["HOME": "/none/h"], "/none/h/.local/share/blip/indexes/default"),
    ])
  func order(environment: [String: String], index: String) {
    for arguments in [["info"], ["search", "a dog"]] {
      let outcome = BlipProcess(arguments, environment: environment).outcome()
      expectFailure(outcome, mentions: index, "blip index")
    }
  }

  @Test("--index goes before all of them")
  func option() {
    let outcome = blip("info", "--index", "/none/o", environment: ["BLIP_INDEX": "/none/i"])
    expectFailure(outcome, mentions: "/none/o")
  }

  @Test("Without a home folder, --index is asked for")
  func homeless() {
    expectFailure(blip("info", environment: ["HOME": ""]), mentions: "--index")
  }
}

/// Expects exit code 1, nothing on standard output, and one line that says these things.
func expectFailure(
  _ outcome: Outcome, mentions parts: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(outcome.status == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
  #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
  #expect(outcome.errorLines.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
  let line = outcome.errorLines.last ?? ""
  #expect(line.hasPrefix("blip: "), sourceLocation: sourceLocation)
  for part in parts {
    #expect(line.contains(part), "\(line)", sourceLocation: sourceLocation)
  }
}
