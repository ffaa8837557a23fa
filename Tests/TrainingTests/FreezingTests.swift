import Testing

@testable import Training

/// Which parameters a run leaves as they are.
@Suite struct FreezingTests {
  private let parameters = [
    "vision_model.embeddings.stem.0.weight", "vision_model.encoder.layers.0.mlp.fc1.weight",
    "vision_proj.weight", "text_encoder.embeddings.word_embeddings.weight",
    "text_encoder.encoder.layer.0.attention.self.query.weight",
    "text_encoder.encoder.layer.0.crossattention.self.query.weight",
    "text_encoder.encoder.layer.0.output.dense.weight", "text_proj.bias", "itm_head.weight",
    "temp", "text_decoder.bert.encoder.layer.0.attention.self.query.weight",
    "text_decoder.cls.predictions.bias",
  ]

  private func frozen(_ names: [String], _ objective: Objective = .pretrain) throws -> [Int] {
    let freezing = try Freezing(names, objective: objective, parameters: parameters)
    return parameters.indices.filter { freezing.contains(parameters[$0]) }
  }

  @Test func byTower() throws {
    #expect(try frozen([]) == [])
    #expect(try frozen(["stem"]) == [0])
    #expect(try frozen(["vision"]) == [0, 1, 2])
    #expect(try frozen(["text"]) == [3, 4, 6, 7])
  }

  @Test func byTheBeginningOfAName() throws {
    #expect(try frozen(["text_encoder.encoder.layer.0.", "itm_head"]) == [4, 5, 6, 8])
  }

  @Test func whatTheObjectiveDoesNotUse() throws {
    #expect(try frozen([], .retrieval) == [10, 11])
    #expect(try frozen([], .caption) == [2, 4, 7, 8, 9])
  }

  @Test func aNameOfNothingIsRefused() throws {
    let error = #expect(throws: TrainingError.self) { try frozen(["vison"]) }
    #expect(error?.description.contains("\"vison\"") == true)
    #expect(throws: TrainingError.self) { try frozen([""]) }
    #expect(throws: TrainingError.self) {
      try frozen(
        ["vision", "text"] + parameters[8...]
          + [parameters[5]])
    }
  }
}
