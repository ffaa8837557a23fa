import Glibc
import Testing

@Suite("Interrupting blip index")
struct InterruptionTests {
  /// More pictures than are in flight at once.
  private let count = Project.picturesBeyondFlight

  @Test(
    "Ctrl-C and SIGTERM keep what is done; the next run does the rest",
    arguments: [SIGINT, SIGTERM])
  func interrupt(signal: Int32) throws {
    let collection = Collection(pictures: count)
    let process = BlipProcess(["index", collection.pictures, "--index", collection.index])
    process.waitForErrors("to encode")
    kill(process.id, signal)
    let outcome = process.outcome()
    #expect(outcome.status == 128 + signal)
    #expect(outcome.errorLines.last?.contains("the same command goes on") == true)
    let kept = try collection.info().pictures
    #expect(kept < count)

    let next = collection.update()
    #expect(next.status == 0)
    #expect(next.lines.contains { $0.hasPrefix("added") && $0.hasSuffix(" \(count - kept)") })
    #expect(try collection.info().pictures == count)
  }

  @Test("Killed at once, the index stays whole")
  func killed() throws {
    let collection = Collection(pictures: count)
    let process = BlipProcess(["index", collection.pictures, "--index", collection.index])
    process.waitForErrors("to encode")
    kill(process.id, SIGKILL)
    #expect(process.outcome().status == 128 + SIGKILL)
    #expect(collection.update().status == 0)
    #expect(try collection.info().pictures == count)
  }
}

extension BlipProcess {
  /// Waits until standard error holds the text, a minute at most.
  func waitForErrors(_ text: String) {
    for _ in 0..<30_000 where !errors.contains(text) { usleep(2000) }
  }
}
