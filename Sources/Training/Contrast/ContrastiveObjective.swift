public import Random
public import Tensors

/// BLIP's image-text contrastive objective (ITC): the student's embeddings against the momentum
/// model's of the batch and of a queue, with targets that the momentum model softens, as in
/// `blip_pretrain.py` and `blip_retrieval.py`.
public struct ContrastiveObjective: Sendable {
  /// The positives of a query, the targets before softening.
  public enum Positives: Sendable {
    /// A picture and its caption: BLIP's pre-training, where a picture has one caption and the queue
    /// holds a small part of all pairs.
    case pair
    /// All captions of a picture equally, including those in the queue: BLIP's retrieval fine-tuning.
    case samePicture
  }

  /// The positives of a query.
  public let positives: Positives
  /// Embeddings of earlier batches.
  var queue: FeatureQueue

  /// Starts with a queue of random unit vectors.
  /// - Parameters:
  ///   - capacity: Of the queue; BLIP's is 57,600.
  ///   - width: Of an embedding.
  public init(_ positives: Positives, capacity: Int, width: Int, random: CounterRandom) {
    self.init(positives, queue: FeatureQueue(capacity: capacity, width: width, random: random))
  }

  init(_ positives: Positives, queue: FeatureQueue) {
    self.positives = positives
    self.queue = queue
  }

  /// The normalised embeddings of a batch, `[B, width]` each; row i of all belongs to pair i.
  public struct Batch: Sendable {
    /// The student's.
    public var images, texts: Matrix
    /// The momentum model's.
    public var momentumImages, momentumTexts: Matrix
    /// The picture of each pair.
    public var pictures: [Int32]

    /// A batch of pairs.
    public init(
      images: Matrix, texts: Matrix, momentumImages: Matrix, momentumTexts: Matrix,
      pictures: [Int32]
    ) {
      (self.images, self.texts) = (images, texts)
      (self.momentumImages, self.momentumTexts) = (momentumImages, momentumTexts)
      self.pictures = pictures
    }
  }

  /// The objective of a batch.
  public struct Outcome: Sendable {
    /// The mean of image → text and text → image soft cross-entropy.
    public var loss: Double
    /// The loss's gradients with respect to the student's embeddings, `[B, width]`.
    public var dImages, dTexts: Matrix
    /// The loss's gradient with respect to the temperature.
    public var dTemperature: Float
    /// The in-batch similarities that hard negatives are drawn by, divided by the temperature: the
    /// student's with the momentum model's in pre-training, with the student's in fine-tuning.
    public var imageToText, textToImage: Matrix
  }

  /// The loss and its gradients; then adds the batch's momentum embeddings to the queue.
  /// - Parameter alpha: The weight of the momentum model in the targets.
  public mutating func callAsFunction(
    _ batch: Batch, temperature: Float, alpha: Float
  ) -> Outcome {
    let positives = positiveShares(batch.pictures)
    let toTexts = direction(
      from: batch.images, momentum: batch.momentumImages,
      to: batch.momentumTexts.followed(by: queue.texts),
      positives: positives, temperature: temperature, alpha: alpha)
    let toImages = direction(
      from: batch.texts, momentum: batch.momentumTexts,
      to: batch.momentumImages.followed(by: queue.images),
      positives: positives, temperature: temperature, alpha: alpha)
    queue.enqueue(
      images: batch.momentumImages, texts: batch.momentumTexts, pictures: batch.pictures)
    var outcome = Outcome(
      loss: (toTexts.loss + toImages.loss) / 2,
      dImages: toTexts.gradient, dTexts: toImages.gradient,
      // Every logit is a product with an embedding, divided by the temperature, so this gradient
      // follows from those of the embeddings.
      dTemperature:
        -(dot(toTexts.gradient.values, batch.images.values)
        + dot(toImages.gradient.values, batch.texts.values)) / temperature,
      imageToText: toTexts.inBatch, textToImage: toImages.inBatch)
    if self.positives == .samePicture {
      multiply(
        batch.images, by: batch.texts, transposed: true, scale: 1 / temperature,
        into: &outcome.imageToText)
      multiply(
        batch.texts, by: batch.images, transposed: true, scale: 1 / temperature,
        into: &outcome.textToImage)
    }
    return outcome
  }

  /// One direction of the objective.
  /// - Parameters:
  ///   - queries: The student's, `[B, width]`; `momentum` are the momentum model's.
  ///   - candidates: `[B + capacity, width]`, those of the batch first.
  /// - Returns: The loss of this direction, the gradient of half of it with respect to the queries,
  ///   and the similarities within the batch.
  private func direction(
    from queries: Matrix, momentum: Matrix, to candidates: Matrix, positives: [[Int]],
    temperature: Float, alpha: Float
  ) -> (loss: Double, gradient: Matrix, inBatch: Matrix) {
    let batch = queries.rows
    var targets = Matrix(rows: batch, columns: candidates.rows)
    if alpha > 0 {
      multiply(
        momentum, by: candidates, transposed: true, scale: 1 / temperature,
        into: &targets)
      softmax(&targets)
      targets.scale(by: alpha)
    }
    for (row, columns) in positives.enumerated() {
      let share = (1 - alpha) / Float(columns.count)
      for column in columns { targets.values[row * candidates.rows + column] += share }
    }
    var logits = Matrix()
    multiply(
      queries, by: candidates, transposed: true, scale: 1 / temperature,
      into: &logits)
    let inBatch = Matrix(
      rows: batch, columns: batch, values: (0..<batch).flatMap { logits[row: $0].prefix(batch) })
    let loss = crossEntropy(&logits, targets: targets)
    var gradient = Matrix()
    multiply(logits, by: candidates, scale: 0.5 / temperature, into: &gradient)
    return (loss, gradient, inBatch)
  }

  /// The columns of each row's positives, in the batch and, after it, in the queue.
  private func positiveShares(_ pictures: [Int32]) -> [[Int]] {
    switch positives {
    case .pair: return pictures.indices.map { [$0] }
    case .samePicture:
      var columns: [Int32: [Int]] = [:]
      for picture in pictures { columns[picture] = [] }
      for (column, picture) in (pictures + queue.pictures).enumerated() {
        columns[picture]?.append(column)
      }
      return pictures.map { columns[$0] ?? [] }
    }
  }
}

extension Matrix {
  fileprivate mutating func scale(by factor: Float) {
    var values = values.mutableSpan
    for index in values.indices { values[index] *= factor }
  }

  /// The rows of both, concatenated.
  fileprivate func followed(by other: Matrix) -> Matrix {
    precondition(columns == other.columns)
    return Matrix(rows: rows + other.rows, columns: columns, values: values + other.values)
  }
}
