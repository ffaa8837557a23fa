import Glibc
import Testing

@Suite("Interrupting blip index")
struct InterruptionTests {
  @Test(
    "Ctrl-C and SIGTERM keep what is done and say so; the next run does the rest",
    arguments: [SIGINT, SIGTERM])
  func interrupt(signal: Int32) throws {
    let collection = Collection(pictures: 1)
    collection.update()
    for number in 1..<4 { collection.add(Collection.name(number), Drawing.jpeg(number)) }
    let run = HeldIndexing(of: collection)
    run.send(signal)
    let outcome = run.outcome()
    #expect(outcome.status == 128 + signal)
    #expect(outcome.errorLines.contains { $0.hasPrefix("blip: stopping after the current batch") })
    #expect(outcome.errors.contains("run the same command to resume"))
    let kept = try collection.info().pictures
    #expect((1..<4).contains(kept))

    let next = collection.update()
    #expect(next.status == 0)
    #expect(next.lines.contains { $0.hasPrefix("added") && $0.hasSuffix(" \(4 - kept)") })
    #expect(try collection.info().pictures == 4)
  }

  @Test("A second Ctrl-C ends it at once", .notUnderThreadSanitizer)
  func twice() throws {
    let collection = Collection(pictures: 1)
    let run = HeldIndexing(of: collection)
    run.send(SIGINT)
    kill(run.process.id, SIGINT)
    // It need not be let go on for that.
    #expect(run.process.outcome().status == 128 + SIGINT)
    #expect(collection.update().status == 0)
  }

  @Test("Killed at any moment, the index stays whole and the next run goes on")
  func killed() throws {
    let collection = Collection(pictures: 4)
    for milliseconds: UInt32 in [20, 60, 180, 540, 1620] {
      let process = BlipProcess(["index", collection.pictures, "--index", collection.index])
      usleep(milliseconds * 1000)
      kill(process.id, SIGKILL)
      #expect([0, 128 + SIGKILL].contains(process.outcome().status))
    }
    #expect(collection.update().status == 0)
    #expect(try collection.info().pictures == 4)
  }
}
