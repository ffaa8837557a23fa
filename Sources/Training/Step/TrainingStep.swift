import Random
internal import BLIP
internal import Tensors

/// Indices, in the batch, of the ITM negatives.
struct Negatives: Sendable {
  /// For every text, the picture of another one.
  var pictures: [Int]
  /// For every picture, the text of another one.
  var texts: [Int]
}

extension Trainer {
  /// Runs forward and backward for one micro-batch.
  /// - Parameters:
  ///   - negatives: The ITM negatives; nil to draw them.
  ///   - random: The micro-batch's own random numbers.
  ///   - gradient: The gradient of the sum of the losses is added.
  mutating func run(
    _ batch: TrainingBatch, _ hyperparameters: StepHyperparameters, negatives: Negatives?,
    random: CounterRandom, into gradient: inout TrainableModel
  ) throws(TrainingError) -> Losses {
    for text in batch.texts { try model.check(text) }
    var losses = Losses()
    let image = model.encode(pictures: batch.pictures, savingActivations: trainsVision)
    var cross = model.project(features: image.features, pictures: batch.texts.count)
    var dImages: Matrix?
    if contrast != nil {
      let outcome = contrastive(
        batch, image.embeddings, alpha: hyperparameters.alpha, random, into: &gradient)
      losses.contrastive = outcome.loss
      dImages = outcome.dImages
      let negatives =
        if let negatives { negatives } else {
          try draw(outcome, batch.pictureNumbers, hardness: hyperparameters.hardness, random)
        }
      losses.matching = matching(batch.texts, negatives, &cross, random, into: &gradient)
    }
    if settings.objective != .retrieval {
      let language = model.language(
        texts: batch.texts, pictures: Array(batch.texts.indices), cross,
        prompt: settings.prompt, dropout: dropout(random.part(3)), savingActivations: true)
      losses.language = model.backward(language, &cross, into: &gradient)
    }
    if trainsVision {
      var dFeatures = Matrix()
      model.backward(cross, dFeatures: &dFeatures, into: &gradient)
      model.backward(features: dFeatures, embeddings: dImages, image, into: &gradient)
    } else {
      model.backward(cross, into: &gradient)
    }
    return losses
  }

  /// ITC, but for the backward pass through the image encoder, which waits for the other losses.
  private mutating func contrastive(
    _ batch: TrainingBatch, _ images: Matrix, alpha: Float, _ random: CounterRandom,
    into gradient: inout TrainableModel
  ) -> ContrastiveObjective.Outcome {
    let text = model.encode(
      texts: batch.texts, dropout: dropout(random.part(0)), savingActivations: trainsText)
    // The momentum model drops other numbers than the student.
    let (momentumDropout, temperature) = (dropout(random.part(1)), model.temperature)
    guard
      let outcome = contrast?(
        images: images, texts: text.embeddings, batch, imagesAreMomentum: !trainsVision,
        dropout: momentumDropout, temperature: temperature, alpha: alpha)
    else { preconditionFailure("an objective without ITC") }
    gradient.temperature += outcome.dTemperature
    if trainsText { model.backward(embeddings: outcome.dTexts, text, into: &gradient) }
    return outcome
  }

  private func draw(
    _ outcome: ContrastiveObjective.Outcome, _ pictures: [Int32], hardness: Double,
    _ random: CounterRandom
  ) throws(TrainingError) -> Negatives {
    let negatives = HardNegatives(
      floor: settings.objective == .pretrain ? 1e-4 : 0, hardness: hardness)
    return Negatives(
      pictures: try negatives.draw(
        outcome.textToImage, pictures: pictures, random: random.part(4)),
      texts: try negatives.draw(
        outcome.imageToText, pictures: pictures, random: random.part(5)))
  }

  /// ITM on every pair, every text with a negative picture, and every picture with a negative text.
  private func matching(
    _ texts: [[Int32]], _ negatives: Negatives, _ cross: inout CrossAttentionCache,
    _ random: CounterRandom, into gradient: inout TrainableModel
  ) -> Double {
    let own = texts.indices
    let pairs =
      own.map { (text: $0, picture: $0) }
      + own.map { (text: $0, picture: negatives.pictures[$0]) }
      + own.map { (text: negatives.texts[$0], picture: $0) }
    let match = model.match(
      texts: texts, pairs: pairs, cross, dropout: dropout(random.part(2)),
      savingActivations: true)
    var logits = match.logits
    let labels = pairs.indices.map { Int32($0 < texts.count ? 1 : 0) }
    let loss = crossEntropy(&logits, targets: labels)
    model.backward(logits: logits, match, &cross, into: &gradient)
    return loss
  }

  private func dropout(_ random: CounterRandom) -> TextDropout? {
    settings.dropout == 0
      ? nil : TextDropout(probability: settings.dropout, key: random.bits(at: 0))
  }
}
