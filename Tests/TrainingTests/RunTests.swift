import BLIP
import Captions
import Checkpoints
import Foundation
import Images
import TestSupport
import Testing

@testable import Training

/// Runs of a tiny model over pictures that are drawn, not read.
@Suite("A training run", .ownsProcess)
struct RunTests {
  private func settings(_ objective: Objective = .pretrain) -> RunSettings {
    var settings = RunSettings(objective, epochs: 2)
    settings.batch = 8
    settings.rate = 1e-3
    settings.warmUp = 0
    settings.queue = 32
    settings.hardeningEpochs = 1
    settings.heldOut = 0.2
    return settings
  }

  private func plan(_ folder: String, _ settings: RunSettings? = nil) throws -> TrainingRun.Plan {
    var plan = TrainingRun.Plan(
      settings ?? self.settings(), pictures: named(0..<20),
      model: try ModelFolder(path: "\(fixtures)/blip-tiny-training"), folder: folder)
    plan.storage = .fp32
    return plan
  }

  @discardableResult
  private func run(
    _ plan: TrainingRun.Plan, stopAfterSteps: Int = .max, unreadable: String? = nil,
    report: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) throws -> Bool {
    let steps = Counter()
    return try TrainingRun(
      plan,
      read: { path, _ in
        if path == unreadable { throw TrainingError("damaged") }
        return drawn(path)
      }, shouldStop: { steps.value >= stopAfterSteps },
      report: { event in
        if case .step = event { steps.add() }
        report(event)
      })()
  }

  private func bytes(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }

  /// The log without what a clock said.
  private func log(_ folder: String) throws -> [StepReport] {
    let log = try RunLog(folder + "/log.jsonl", after: .max)
    defer { log.close() }
    return log.steps.map {
      var step = $0
      step.pairsPerSecond = 0
      return step
    }
  }

  @Test("leaves models that load, a state, a log and curves", arguments: Objective.allCases)
  func whole(_ objective: Objective) throws {
    let folder = TemporaryFolder().path + "/run"
    #expect(try run(plan(folder, settings(objective))))
    for name in ["last", "best"] {
      #expect(throws: Never.self) { try TrainableModel(ModelFolder(path: "\(folder)/\(name)")) }
    }
    let log = try RunLog(folder + "/log.jsonl", after: .max)
    defer { log.close() }
    // 16 pictures of 3 captions in batches of 8, twice; in each epoch the last does not fill, for
    // captions of one picture are left.
    #expect(log.steps.map(\.step) == Array(1...10) && log.steps.allSatisfy { $0.steps == 10 })
    #expect(log.evaluations.map(\.step) == [5, 10])
    #expect(log.evaluations.allSatisfy { ($0.itm != nil) == (objective != .caption) })
    #expect(log.evaluations.allSatisfy { ($0.lm != nil) == (objective != .retrieval) })
    let curves = String(decoding: bytes(folder + "/curves.svg") ?? Data(), as: UTF8.self)
    #expect(curves.hasPrefix("<svg") && curves.hasSuffix("</svg>\n"))
  }

  @Test("stopped anywhere and resumed, it ends bit for bit as if it had never stopped")
  func resume() throws {
    let whole = TemporaryFolder().path + "/run"
    try run(plan(whole))
    for stop in [1, 5, 8] {
      let folder = TemporaryFolder().path + "/run"
      var plan = try plan(folder)
      #expect(try !run(plan, stopAfterSteps: stop))
      plan.resumes = true
      #expect(try run(plan))
      for file in ["state.safetensors", "last/model.safetensors", "best/model.safetensors"] {
        #expect(bytes("\(folder)/\(file)") == bytes("\(whole)/\(file)"), "\(file) after \(stop)")
      }
      #expect(try log(folder) == log(whole))
    }
  }

  @Test("killed, it loses no more than the steps since the last checkpoint")
  func killed() throws {
    let whole = TemporaryFolder().path + "/run"
    try run(plan(whole))
    let (running, left) = (TemporaryFolder().path + "/run", TemporaryFolder().path + "/run")
    var plan = try plan(running)
    plan.stepsBetweenCheckpoints = 2
    // What a kill after the fifth step would leave on the disk.
    try run(plan) { event in
      guard case .step(let step) = event, step.step == 5 else { return }
      try? FileManager.default.copyItem(atPath: running, toPath: left)
    }
    plan.folder = left
    plan.resumes = true
    let steps = Steps()
    try run(plan) { if case .step(let step) = $0 { steps.append(step.step) } }
    #expect(steps.all.first == 5)
    #expect(bytes("\(left)/state.safetensors") == bytes("\(whole)/state.safetensors"))
    #expect(try log(left) == log(whole))
  }

  @Test("a folder that holds a run is not trained over, nor gone on with by other settings")
  func held() throws {
    let folder = TemporaryFolder().path + "/run"
    try run(plan(folder), stopAfterSteps: 2)
    let before = bytes(folder + "/state.safetensors")
    func refusal(_ change: (inout TrainingRun.Plan) -> Void) throws -> String {
      var plan = try plan(folder)
      change(&plan)
      do {
        try run(plan)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(try refusal { _ in }.contains("holds a run already"))
    #expect(
      try refusal {
        $0.resumes = true
        $0.settings.rate = 1e-4
      }.contains("other settings"))
    #expect(
      try refusal {
        $0.resumes = true
        $0.pictures.removeLast()
      }.contains("other pictures"))
    #expect(bytes(folder + "/state.safetensors") == before)
    // More epochs are no other settings.
    #expect(
      try refusal {
        $0.resumes = true
        $0.settings.epochs = 3
      } == "accepted")
  }

  @Test("nothing to train on, or pictures that cannot be read, are told in clear words")
  func nothing() throws {
    func refusal(_ pictures: [CaptionedPicture]) throws -> String {
      var plan = try plan(TemporaryFolder().path + "/run")
      plan.pictures = pictures
      do {
        try run(plan, unreadable: "0.jpg")
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(try refusal([]).contains("no picture with captions"))
    #expect(try refusal(named(0..<1)).contains("one picture with captions"))
    #expect(try refusal(named(0..<5, captions: 0)).contains("no picture with captions"))
    let daisies = (0..<6).map { CaptionedPicture(path: "\($0).jpg", label: "daisy") }
    #expect(try refusal(daisies).contains("the same label"))
  }

  /// The default model over three pictures, of which one is held out: one step.
  @Test("the last layers of a stem are trained, or none of them", arguments: [[], ["stem"]])
  func stem(frozen: [String]) throws {
    let folder = TemporaryFolder().path + "/run"
    var settings = settings(.retrieval)
    settings.frozen = frozen
    (settings.epochs, settings.batch, settings.views) = (1, 2, 0)
    var plan = TrainingRun.Plan(
      settings, pictures: named(0..<3, captions: 1),
      model: try ModelFolder(path: BLIPModel.defaultModelPath()), folder: folder)
    plan.storage = .fp32
    #expect(try run(plan))
    let trained = try ModelFolder(path: "\(folder)/last").weights
    func isChanged(_ name: String) throws -> Bool {
      let shape = try #require(trained.shape(of: name))
      return try trained.floats(name, shape: shape) != plan.model.weights.floats(name, shape: shape)
    }
    let path = "vision_model.embeddings"
    #expect(try isChanged("\(path).patch_embedding.weight"))
    for layer in [0, 47] { #expect(try !isChanged("\(path).stem.\(layer).weight")) }
    for layer in [48, 49, 63] {
      #expect(try isChanged("\(path).stem.\(layer).weight") == frozen.isEmpty)
    }
  }

  @Test("a picture that cannot be read is told, left out, and training goes on")
  func unreadable() throws {
    let folder = TemporaryFolder().path + "/run"
    let failures = Counter()
    var plan = try plan(folder)
    plan.settings.heldOut = 0.01
    try run(plan, unreadable: "3.jpg") { if case .failed("3.jpg", _) = $0 { failures.add() } }
    #expect(failures.value == 1)
    #expect(try log(folder).contains { $0.pairs == 7 })
  }

  @Test("a loss that is no number ends the run in clear words and leaves the checkpoint")
  func notANumber() throws {
    let folder = TemporaryFolder().path + "/run"
    var plan = try plan(folder)
    plan.settings.rate = 1e30
    plan.stepsBetweenCheckpoints = 1
    let error = #expect(throws: TrainingError.self) { try self.run(plan) }
    #expect(error?.description.contains("not a number") == true)
    let state = try #require(try RunState.read(folder + "/state.safetensors"))
    let logged = try log(folder)
    #expect(state.epoch == 0 && state.stepsOfEpoch == logged.last?.step)
  }
}

/// Step numbers from several threads.
private final class Steps: @unchecked Sendable {
  private let lock = NSLock()
  private var numbers: [Int] = []

  var all: [Int] { lock.withLock { numbers } }

  func append(_ number: Int) { lock.withLock { numbers.append(number) } }
}
