import BLIP
import Tensors
import Testing

@testable import Training

/// The backward passes through the whole model against PyTorch's autograd (in 64 bits), objective by
/// objective, parameter by parameter.
@Suite struct GradientTests {
  /// The objectives whose gradients the fixture holds.
  enum Objective: String, CaseIterable { case itc, itm, lm }

  let reference: Reference
  let model: TrainableModel
  let texts: [[Int32]]
  let pictures: FeatureMap

  init() throws {
    reference = try Reference("gradients.safetensors")
    model = try tinyModel()
    texts = try reference.texts("input_ids")
    pictures = FeatureMap(joining: try reference.pictures("pixel_values"))
  }

  private func pairs() throws -> [(text: Int, picture: Int)] {
    let pairs = try reference.integers("pairs")
    return stride(from: 0, to: pairs.count, by: 2).map { (pairs[$0], pairs[$0 + 1]) }
  }

  /// The losses of the given objectives, and the gradient of their sum.
  private func run(
    _ objectives: Set<Objective>, of other: TrainableModel? = nil, activationBytes: Int = 1 << 30,
    dropout: TextDropout? = nil
  ) throws -> (losses: [Objective: Double], gradient: TrainableModel) {
    let model = other ?? model
    var losses: [Objective: Double] = [:]
    var gradient = model.zeros()
    let image = model.encode(
      pictures: pictures, savingActivations: true, activationBytes: activationBytes)
    var dFeatures = Matrix()
    var dEmbeddings: Matrix?
    if objectives.contains(.itc) {
      let text = model.encode(texts: texts, dropout: dropout, savingActivations: true)
      var dTexts = Matrix()
      var dImages = Matrix()
      losses[.itc] = contrast(
        image.embeddings, text.embeddings, temperature: model.temperature, dImages: &dImages,
        dTexts: &dTexts, dTemperature: &gradient.temperature)
      model.backward(embeddings: dTexts, text, into: &gradient)
      dEmbeddings = dImages
    }
    var cross = model.project(features: image.features, pictures: pictures.count)
    if objectives.contains(.itm) {
      let match = model.match(
        texts: texts, pairs: try pairs(), cross, dropout: dropout, savingActivations: true)
      var d = match.logits
      losses[.itm] = crossEntropy(&d, targets: try reference.integers("labels").map { Int32($0) })
      model.backward(logits: d, match, &cross, into: &gradient)
    }
    if objectives.contains(.lm) {
      let language = model.language(
        texts: texts, pictures: Array(texts.indices), cross, dropout: dropout,
        savingActivations: true)
      losses[.lm] = model.backward(language, &cross, into: &gradient)
    }
    model.backward(cross, dFeatures: &dFeatures, into: &gradient)
    model.backward(features: dFeatures, embeddings: dEmbeddings, image, into: &gradient)
    return (losses, gradient)
  }

  /// In-batch ITC: the mean of both directions' cross-entropies, with its gradients.
  private func contrast(
    _ images: Matrix, _ texts: Matrix, temperature: Float, dImages: inout Matrix,
    dTexts: inout Matrix, dTemperature: inout Float
  ) -> Double {
    let diagonal = (0..<images.rows).map { Int32($0) }
    var (toTexts, toImages) = (Matrix(), Matrix())
    let scale = 1 / temperature
    multiply(images, by: texts, transposed: true, scale: scale, into: &toTexts)
    multiply(texts, by: images, transposed: true, scale: scale, into: &toImages)
    let similarities = (toTexts.values, toImages.values)
    let loss =
      (crossEntropy(&toTexts, targets: diagonal) + crossEntropy(&toImages, targets: diagonal)) / 2
    multiply(toTexts, by: texts, scale: scale / 2, into: &dImages)
    multiply(
      toImages, transposed: true, by: texts, scale: scale / 2, into: &dImages, accumulating: true)
    multiply(toTexts, transposed: true, by: images, scale: scale / 2, into: &dTexts)
    multiply(toImages, by: images, scale: scale / 2, into: &dTexts, accumulating: true)
    // d(s/τ)/dτ = −(s/τ)/τ
    for (d, s) in zip(toTexts.values, similarities.0) { dTemperature -= d * s * scale / 2 }
    for (d, s) in zip(toImages.values, similarities.1) { dTemperature -= d * s * scale / 2 }
    return loss
  }

  /// Every parameter's gradient is the sum of the objectives' in the fixture; a tensor that is nearly
  /// zero by nature (a key's bias) is held against the length of the whole.
  private func expectReference(
    _ objectives: Set<Objective>, _ gradient: TrainableModel,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var gradient = gradient
    let parameters = gradient.takeParameters()
    let expected = try parameters.map { parameter in
      try objectives.reduce(into: [Float](repeating: 0, count: parameter.values.count)) {
        sum, objective in
        let name = "\(objective.rawValue).\(parameter.name)"
        guard reference.has(name) else { return }
        sum = zip(sum, try reference.floats(name)).map { $0 + $1 }
      }
    }
    let whole = expected.joined().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    for (parameter, expected) in zip(parameters, expected) {
      let (difference, length) = distance(parameter.values, expected)
      #expect(
        difference <= 2e-5 * length + 1e-7 * whole,
        "\(parameter.name): off by \(difference) of \(length)", sourceLocation: sourceLocation)
    }
  }

  @Test func theForwardPassIsPyTorchs() throws {
    let image = model.encode(pictures: pictures, savingActivations: false)
    #expect(try relativeError(image.features.values, reference.floats("features")) < 1e-5)
    #expect(try relativeError(image.embeddings.values, reference.floats("image_embeddings")) < 1e-5)
    let text = model.encode(texts: texts, savingActivations: false)
    #expect(try relativeError(text.embeddings.values, reference.floats("text_embeddings")) < 1e-5)
    let cross = model.project(features: image.features, pictures: pictures.count)
    let match = model.match(
      texts: texts, pairs: try pairs(), cross, savingActivations: false)
    #expect(try relativeError(match.logits.values, reference.floats("itm_logits")) < 1e-5)
  }

  @Test(arguments: [[.itc], [.itm], [.lm], Set(Objective.allCases)])
  func gradientsArePyTorchs(objectives: Set<Objective>) throws {
    let (losses, gradient) = try run(objectives)
    for (objective, loss) in losses {
      let expected = try reference.floats("\(objective.rawValue).loss")[0]
      #expect(abs(loss - Double(expected)) < 1e-5, "\(objective): \(loss) for \(expected)")
    }
    try expectReference(objectives, gradient)
  }

  /// Where activations would take too much memory they are computed again, some pictures at a time.
  @Test(arguments: [1, 2 * 17 * 2 * (8 * 32 + 2 * 64) * 4])
  func recomputingGivesTheSame(activationBytes: Int) throws {
    var (kept, again) = (
      try run(Set(Objective.allCases)).gradient,
      try run(Set(Objective.allCases), activationBytes: activationBytes).gradient
    )
    for (kept, again) in zip(kept.takeParameters(), again.takeParameters()) {
      let (difference, length) = distance(again.values, kept.values)
      #expect(difference <= 1e-5 * length + 1e-6, "\(kept.name)")
    }
  }

  /// Where the image encoder is frozen the rest gets the same gradient.
  @Test func theBackwardPassMayEndAtTheKeys() throws {
    let image = model.encode(pictures: pictures, savingActivations: false)
    var cross = model.project(features: image.features, pictures: pictures.count)
    var (all, ending) = (model.zeros(), model.zeros())
    let language = model.language(
      texts: texts, pictures: Array(texts.indices), cross, savingActivations: true)
    _ = model.backward(language, &cross, into: &all)
    ending = all
    var dFeatures = Matrix()
    model.backward(cross, dFeatures: &dFeatures, into: &all)
    model.backward(cross, into: &ending)
    #expect(all.takeParameters() == ending.takeParameters())
  }

  /// A prompt is given, not predicted: its tokens take no part in the loss.
  @Test func aPromptIsNotPredicted() throws {
    let image = model.encode(pictures: pictures, savingActivations: false)
    func loss(_ texts: [[Int32]], prompt: Int) -> Double {
      var cross = model.project(features: image.features, pictures: pictures.count)
      let forward = model.language(
        texts: texts, pictures: Array(texts.indices), cross, prompt: prompt,
        savingActivations: true)
      var gradient = model.zeros()
      let loss = model.languageLoss(forward)
      // The loss that is measured is the one that is trained with.
      #expect(model.backward(forward, &cross, into: &gradient) == loss)
      return loss
    }
    // Every token of a text is predicted once, by what stands before it.
    let text = texts[1]
    let whole = loss([text], prompt: 1) * Double(text.count - 1)
    let end = loss([text], prompt: 4) * Double(text.count - 4)
    let beginning = loss([Array(text.prefix(4))], prompt: 1) * 3
    #expect(abs(whole - end - beginning) < 1e-4)
  }

  /// Along the gradient the loss rises by its length, with the same things left out.
  @Test(arguments: Objective.allCases) func dropoutIsTheSameInTheBackwardPass(
    objective: Objective
  ) throws {
    let plan = TextDropout(probability: 0.2, key: 5)
    var (losses, gradient) = try run([objective], dropout: plan)
    #expect(try run([objective], dropout: plan).losses == losses)
    #expect(try run([objective]).losses != losses)
    let slopes = gradient.takeParameters()
    let length = slopes.reduce(0) { $0 + sumOfSquares($1.values) }.squareRoot()
    let step = 3e-3 / length
    func loss(along step: Double) throws -> Double {
      var model = model
      var parameters = model.takeParameters()
      for (index, slope) in slopes.enumerated() {
        parameters[index].values = zip(parameters[index].values, slope.values).map {
          $0 + Float(step) * $1
        }
      }
      model.putParameters(parameters)
      return try #require(try run([objective], of: model, dropout: plan).losses[objective])
    }
    let slope = try (loss(along: step) - loss(along: -step)) / (2 * step)
    #expect(abs(slope / (length * length) - 1) < 0.01, "\(slope) for \(length * length)")
  }
}
