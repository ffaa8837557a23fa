internal import Tensors

/// Whom ITM's pairs that do not match are made of, by their places in the batch.
struct Negatives: Sendable {
  /// For every text another text's picture.
  var pictures: [Int]
  /// For every picture another picture's text.
  var texts: [Int]
}

extension Trainer {
  /// Runs a micro-batch there and back.
  /// - Parameters:
  ///   - negatives: Of ITM, where they are not to be drawn.
  ///   - random: The micro-batch's own numbers.
  ///   - gradient: That of the sum of the losses is added.
  mutating func run(
    _ batch: TrainingBatch, _ pace: Pace, negatives: Negatives?, random: CounterRandom,
    into gradient: inout Network
  ) throws(TrainingError) -> Losses {
    for text in batch.texts { try network.check(text) }
    var losses = Losses()
    let image = network.encode(pictures: batch.pictures, keeping: trainsVision)
    var cross = network.project(features: image.features, pictures: batch.texts.count)
    var dImages: Matrix?
    if contrast != nil {
      let outcome = contrastive(batch, image.embeddings, pace, random, into: &gradient)
      losses.contrastive = outcome.loss
      dImages = outcome.dImages
      let negatives =
        if let negatives { negatives } else {
          try draw(outcome, batch.pictureNumbers, hardness: pace.hardness, random)
        }
      losses.matching = matching(batch.texts, negatives, &cross, random, into: &gradient)
    }
    if settings.objective != .retrieval {
      losses.language = network.languageModel(
        texts: batch.texts, pictures: Array(batch.texts.indices), &cross,
        prompt: settings.prompt, dropout: dropout(random.part(3)), into: &gradient)
    }
    if trainsVision {
      var dFeatures = Matrix()
      network.backward(cross, dFeatures: &dFeatures, into: &gradient)
      network.backward(features: dFeatures, embeddings: dImages, image, into: &gradient)
    } else {
      network.backward(cross, into: &gradient)
    }
    return losses
  }

  /// ITC, but for the way back through the image encoder, which waits for the other losses.
  private mutating func contrastive(
    _ batch: TrainingBatch, _ images: Matrix, _ pace: Pace, _ random: CounterRandom,
    into gradient: inout Network
  ) -> ContrastiveObjective.Outcome {
    let text = network.encode(
      texts: batch.texts, dropout: dropout(random.part(0)), keeping: trainsText)
    // The momentum model leaves out others than the student.
    let (momentumDropout, temperature) = (dropout(random.part(1)), network.temperature)
    guard
      let outcome = contrast?(
        images: images, texts: text.embeddings, batch, imagesAreMomentum: !trainsVision,
        dropout: momentumDropout, temperature: temperature, alpha: pace.alpha)
    else { preconditionFailure("an objective without ITC") }
    gradient.temperature += outcome.dTemperature
    if trainsText { network.backward(embeddings: outcome.dTexts, text, into: &gradient) }
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

  /// ITM over every pair, every text with a wrong picture, and every picture with a wrong text.
  private func matching(
    _ texts: [[Int32]], _ negatives: Negatives, _ cross: inout CrossTape,
    _ random: CounterRandom, into gradient: inout Network
  ) -> Double {
    let own = texts.indices
    let pairs =
      own.map { (text: $0, picture: $0) }
      + own.map { (text: $0, picture: negatives.pictures[$0]) }
      + own.map { (text: negatives.texts[$0], picture: $0) }
    let match = network.match(
      texts: texts, pairs: pairs, cross, dropout: dropout(random.part(2)))
    var logits = match.logits
    let labels = pairs.indices.map { Int32($0 < texts.count ? 1 : 0) }
    let loss = crossEntropy(&logits, targets: labels)
    network.backward(logits: logits, match, &cross, into: &gradient)
    return loss
  }

  private func dropout(_ random: CounterRandom) -> DropoutPlan? {
    settings.dropout == 0
      ? nil : DropoutPlan(probability: settings.dropout, key: random.bits(at: 0))
  }
}
