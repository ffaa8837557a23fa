import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// A captioned collection for a tiny model, and the folder of a run.
private struct Captioned {
  let collection: Collection
  let captions: String
  var run: String { collection.folder.path + "/run" }

  static let model = Checkout.root + "/Tests/TrainingTests/Fixtures/blip-tiny-training"

  init(pictures count: Int, named: Int? = nil) {
    collection = Collection(pictures: count)
    let records = (0..<(named ?? count)).map { number in
      let name = Collection.name(number)
      let captions = (0..<2).map { "\"caption \($0) of \(number)\"" }.joined(separator: ",")
      return number % 5 == 4
        ? "{\"image\": \"\(name)\", \"label\": \"thing \(number % 10)\"}"
        : "{\"image\": \"\(name)\", \"caption\": [\(captions)]}"
    }
    captions = collection.folder.write(
      "captions.json", Array("[\(records.joined(separator: ","))]".utf8))
  }

  func arguments(_ options: [String], out: String? = nil) -> [String] {
    [
      "train", captions, "--images", collection.pictures, "--init", Self.model, "--out",
      out ?? run, "--objective", "pretrain", "--batch", "4", "--lr", "1e-3", "--warm-up", "0",
      "--queue", "16", "--weights", "fp32",
    ] + options
  }

  func train(_ options: String..., launcher: [String] = []) -> Outcome {
    BlipProcess(arguments(options), launcher: launcher).outcome()
  }

  func bytes(_ file: String, of run: String? = nil) -> Data? {
    FileManager.default.contents(atPath: "\(run ?? self.run)/\(file)")
  }
}

@Suite("blip train")
struct TrainTests {
  @Test("makes a model that an index takes; its name is on standard output")
  func whole() throws {
    let captioned = Captioned(pictures: 12)
    let outcome = captioned.train("--epochs", "1")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.lines == ["\(captioned.run)/best"])
    #expect(outcome.errors.contains("held out (R@1/5/10)"))
    let index = captioned.collection.update("--model", "\(captioned.run)/best")
    #expect(index.status == 0, "\(index.errors)")
  }

  @Test("killed at any moment, --resume ends bit for bit as if nothing had happened")
  func killed() throws {
    let captioned = Captioned(pictures: 12)
    let options = ["--epochs", "3", "--checkpoint-steps", "1"]
    let whole = captioned.collection.folder.path + "/whole"
    #expect(BlipProcess(captioned.arguments(options, out: whole)).outcome().status == 0)
    for milliseconds: UInt32 in [100, 300, 600, 900] {
      let process = BlipProcess(captioned.arguments(options + ["--resume"]))
      usleep(milliseconds * 1000)
      kill(process.id, SIGKILL)
      #expect([0, 128 + SIGKILL].contains(process.outcome().status))
    }
    let end = BlipProcess(captioned.arguments(options + ["--resume"])).outcome()
    #expect(end.status == 0, "\(end.errors)")
    for file in ["state.safetensors", "last/model.safetensors", "best/model.safetensors"] {
      let (resumed, expected) = (captioned.bytes(file), captioned.bytes(file, of: whole))
      #expect(resumed != nil && resumed == expected)
    }
  }

  @Test("SIGTERM leaves a checkpoint and says how to go on")
  func interrupted() {
    let captioned = Captioned(pictures: 12)
    let process = BlipProcess(captioned.arguments(["--epochs", "100000"]))
    let log = captioned.run + "/last/config.json"
    while access(log, F_OK) != 0, kill(process.id, 0) == 0 { usleep(10_000) }
    usleep(500_000)
    kill(process.id, SIGTERM)
    let outcome = process.outcome()
    #expect(outcome.status == 128 + SIGTERM)
    #expect(outcome.errors.contains("run the same command with --resume"))
    #expect(captioned.bytes("state.safetensors") != nil)
    #expect(captioned.bytes("last/model.safetensors") != nil)
  }

  @Test("pictures that are damaged or not there are told, and left out")
  func badPictures() {
    let captioned = Captioned(pictures: 12, named: 14)
    captioned.collection.add(Collection.name(0), Array("no picture".utf8))
    let outcome = captioned.train("--epochs", "1")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("skipped 2 pictures named in the captions"))
    #expect(
      outcome.errorLines.count { $0.contains("picture-00.jpg") && $0.contains("not a picture") }
        <= 1)
  }

  @Test(
    "a disk that is full ends it with the file's name; what was there stays",
    .notUnderThreadSanitizer)
  func fullDisk() throws {
    let captioned = Captioned(pictures: 12)
    #expect(captioned.train("--epochs", "1").status == 0)
    let before = captioned.bytes("state.safetensors")
    // No file may grow beyond 64 KiB, and the signal for that is ignored: writing fails.
    let outcome = captioned.train(
      "--epochs", "2", "--resume",
      launcher: ["/bin/bash", "-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
    #expect(outcome.status == 1)
    #expect(outcome.errorLines.last?.contains("cannot be written") == true)
    #expect(captioned.bytes("state.safetensors") == before)
    #expect(captioned.train("--epochs", "2", "--resume").status == 0)
  }

  @Test("an empty set, a run that is there already, a wrong file: one line that says what to do")
  func refusals() {
    let captioned = Captioned(pictures: 3)
    let folder = captioned.collection.folder
    let empty = folder.write("empty.json", Array("[]".utf8))
    let foreign = folder.write(
      "foreign.json", Array(#"[{"image": "no.jpg", "caption": "x"}]"#.utf8))
    func refusal(_ captions: String) -> Outcome {
      blip(
        "train", captions, "--images", captioned.collection.pictures, "--init", Captioned.model,
        "--out", captioned.run)
    }
    expectFailure(refusal(empty), mentions: "empty.json", "names no picture")
    expectFailure(refusal(foreign), mentions: "foreign.json", "no.jpg")
    expectFailure(refusal(folder.path + "/none.json"), mentions: "none.json")
    #expect(captioned.train("--epochs", "1").status == 0)
    expectFailure(captioned.train("--epochs", "1"), mentions: "--resume")
    expectFailure(captioned.train("--epochs", "1", "--resume", "--seed", "2"), mentions: "settings")
  }

  @Test(
    "wrong usage exits 64 and names the option",
    arguments: [
      (["a.json", "--out", "x"], "--images"), (["a.json", "--images", "x"], "--out"),
      (["a.json", "--images", "x", "--out", "y", "--objective", "x"], "retrieval"),
      (["a.json", "--images", "x", "--out", "y", "--lr", "nan"], "--lr"),
      (["a.json", "--images", "x", "--out", "y", "--batch", "1"], "--batch"),
      (["a.json", "--images", "x", "--out", "y", "--held-out", "1"], "--held-out"),
      (["a.json", "--images", "x", "--out", "y", "--weights", "int4"], "int8"),
    ])
  func usage(arguments: [String], mentions: String) {
    let outcome = BlipProcess(["train"] + arguments).outcome()
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.errors.contains(mentions))
  }
}
