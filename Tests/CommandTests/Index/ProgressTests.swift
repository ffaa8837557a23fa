import Testing
import TestSupport

@Suite("Progress of blip index", .enabled(if: Checkout.has("/usr/bin/script"), "needs script"))
struct ProgressTests {
  @Test("On a terminal a bar redraws itself and goes away")
  func terminal() {
    let shown = indexOnTerminal(environment: ["TERM": "xterm"])
    #expect(shown.contains("\r\u{1B}[K") && shown.contains(" 0%  0/3"))
    #expect(shown.contains("\u{1B}[2m─"))
    #expect(shown.contains("\r\u{1B}[Kfound"))
  }

  @Test("NO_COLOR leaves the bar and takes the colours")
  func noColor() {
    let shown = indexOnTerminal(environment: ["TERM": "xterm", "NO_COLOR": "1"])
    #expect(shown.contains("\r\u{1B}[K") && shown.contains("─ 0%  0/3"))
    #expect(!shown.contains("\u{1B}[2m"))
  }

  @Test("Elsewhere there are plain lines")
  func plain() {
    let outcome = Collection(pictures: 1).update()
    #expect(outcome.errorLines.first == "blip: found 1 picture, 1 to encode")
    #expect(outcome.errorLines.allSatisfy { $0.hasPrefix("blip: ") })
    #expect(!outcome.errors.contains("\u{1B}") && !outcome.errors.contains("\r"))
  }

  /// What a run that indexes three pictures shows on a terminal.
  private func indexOnTerminal(environment: [String: String]) -> String {
    let collection = Collection(pictures: 3)
    let script = #"exec script -qec "'$0' $*" /dev/null"#
    let outcome = BlipProcess(
      ["index", collection.pictures, "--index", collection.index], environment: environment,
      launcher: ["bash", "-c", script]
    ).outcome()
    #expect(outcome.status == 0)
    return outcome.output
  }
}
