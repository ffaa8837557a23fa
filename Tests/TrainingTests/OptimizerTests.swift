import Testing

@testable import Training

/// AdamW, clipping and what frozen parameters keep.
@Suite struct OptimizerTests {
  private let names = ["first", "second"]

  private func freezing(_ frozen: [String] = []) throws -> Freezing {
    try Freezing(frozen, objective: .pretrain, parameters: names)
  }

  private func start(_ reference: Reference) throws -> [Parameter] {
    try names.indices.map {
      let values = try reference.floats("adamw.start.\($0)")
      return Parameter(name: names[$0], shape: [values.count], values: values)
    }
  }

  /// The gradients of a step, times a factor.
  private func gradients(
    _ reference: Reference, _ step: Int, times factor: Float = 1
  ) throws -> [Parameter] {
    try names.indices.map {
      let values = try reference.floats("adamw.gradient.\(step).\($0)").map { $0 * factor }
      return Parameter(name: names[$0], shape: [values.count], values: values)
    }
  }

  /// Sums of micro-batches make the step that their mean makes.
  @Test(arguments: [1, 4]) func followsPyTorchWithClipping(microBatches: Int) throws {
    let reference = try Reference("objectives.safetensors")
    var optimizer = Optimizer(clipping: 1)
    var parameters = try start(reference)
    for step in 0..<12 {
      let norm = try optimizer.update(
        &parameters, gradients: gradients(reference, step, times: Float(microBatches)),
        microBatches: microBatches, rate: Double(try reference.floats("adamw.rate.\(step)")[0]),
        freezing: freezing())
      #expect(abs(norm - Double(try reference.floats("adamw.norm.\(step)")[0])) <= 1e-5 * norm)
      for index in names.indices {
        let after = try reference.floats("adamw.after.\(step).\(index)")
        #expect(relativeError(parameters[index].values, after) <= 1e-6)
      }
    }
  }

  /// AdamW's first step moves every number by the rate.
  @Test func aStemLearnsAtATenthOfTheRate() throws {
    let names = ["vision_model.embeddings.stem.48.bias", "vision_proj.bias"]
    var parameters = names.map { Parameter(name: $0, shape: [1], values: [0]) }
    var optimizer = Optimizer()
    _ = try optimizer.update(
      &parameters, gradients: names.map { Parameter(name: $0, shape: [1], values: [3]) },
      rate: 1e-2, freezing: Freezing([], objective: .pretrain, parameters: names))
    #expect(abs(parameters[0].values[0] + 1e-3) < 1e-8)
    #expect(abs(parameters[1].values[0] + 1e-2) < 1e-7)
  }

  @Test func frozenParametersStayAndKeepNoMoments() throws {
    let reference = try Reference("objectives.safetensors")
    var optimizer = Optimizer()
    var parameters = try start(reference)
    let before = parameters
    let norm = try optimizer.update(
      &parameters, gradients: gradients(reference, 0), rate: 1e-3, freezing: freezing(["second"]))
    #expect(parameters[1].values == before[1].values)
    #expect(parameters[0].values != before[0].values)
    // What is frozen does not count in the norm either.
    let alone = try gradients(reference, 0)[0].values.reduce(0) { $0 + Double($1) * Double($1) }
    #expect(abs(norm - alone.squareRoot()) < 1e-6 * norm)
    #expect(
      optimizer.state().map(\.name)
        == ["optimizer.steps", "optimizer.first.first", "optimizer.second.first"])
  }

  @Test func goesOnFromItsStateBitForBit() throws {
    let reference = try Reference("objectives.safetensors")
    var (optimizer, parameters) = (Optimizer(), try start(reference))
    var resumed: Optimizer?
    var resumedParameters: [Parameter] = []
    for step in 0..<6 {
      if step == 3 {
        let state = Dictionary(uniqueKeysWithValues: optimizer.state().map { ($0.name, $0) })
        var other = Optimizer()
        try other.restore(parameters) { name, shape in
          let array = try #require(state[name])
          #expect(array.shape == shape)
          return array.values
        }
        (resumed, resumedParameters) = (other, parameters)
      }
      let gradients = try gradients(reference, step)
      _ = try optimizer.update(
        &parameters, gradients: gradients, rate: 1e-3, freezing: freezing())
      _ = try resumed?.update(
        &resumedParameters, gradients: gradients, rate: 1e-3, freezing: freezing())
    }
    #expect(resumed?.steps == 6)
    #expect(parameters.map(\.values) == resumedParameters.map(\.values))
  }

  @Test(arguments: [Float.nan, .infinity]) func aGradientThatIsNoNumberChangesNothing(
    bad: Float
  ) throws {
    let reference = try Reference("objectives.safetensors")
    var (optimizer, parameters) = (Optimizer(), try start(reference))
    let before = parameters
    var gradients = try gradients(reference, 0)
    gradients[1].values[3] = bad
    #expect(throws: TrainingError.self) {
      try optimizer.update(&parameters, gradients: gradients, rate: 1e-3, freezing: freezing())
    }
    #expect(parameters.map(\.values) == before.map(\.values))
    #expect(optimizer.steps == 0)
  }
}
