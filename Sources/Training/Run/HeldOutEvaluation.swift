internal import BLIP
internal import Captions
internal import Checkpoints
internal import Images
internal import RankingMetrics
internal import Tensors

/// Measures a model on pictures that it was not trained on: recall of the model folder as any program
/// uses it, by ITC and after ITM on the best 16, in both directions; and the LM loss.
struct HeldOutEvaluation: Sendable {
  let set: TrainingSet
  /// The held-out pictures.
  let pictures: [Int]
  let read: @Sendable (String, Int) throws -> Picture
  let shouldStop: @Sendable () -> Bool

  /// BLIP's k_test, for the default model.
  static let depth = 16
  /// Weights of the ITC cosine relative to the match logit that are tried: BLIP's 1, and greater ones
  /// for a model whose ITM is weaker than its ITC.
  static let weights: [Float] = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48]
  /// The most texts that are used as queries; of more captions every second, third … is taken.
  static let mostQueries = 1500

  /// What was measured.
  struct Recalls: Sendable {
    var itc, itm: EvaluationReport.Recall
    /// The weight of the cosine in `itm`: the best one or, if the model's configuration sets reranking,
    /// its own.
    var itcWeight: Float
    /// How likely hits are right; nil if a greater cosine makes them no likelier.
    var calibration: HitCalibration?
    var queries: Int
  }

  /// The recalls; nil if it was stopped.
  /// - Parameters:
  ///   - bank: Texts to find hubs by, which are corrected for, as in a search.
  ///   - progress: Called with the share that is done.
  func recalls(
    of model: BLIPModel, bank: TextBank?, progress: @Sendable (Double) -> Void
  ) throws -> Recalls? {
    let configuration = model.folder.configuration
    let weights = configuration.rerankDepth == nil ? [configuration.itcWeight] : Self.weights
    // There are many pictures, texts and pairs: each thread takes some of them.
    setComputeThreads(1)
    defer { setComputeThreads(processors) }
    guard let encoded = try EncodedPictures(of: self, by: model) else { return nil }
    progress(0.3)
    let stride = (encoded.texts.count + Self.mostQueries - 1) / Self.mostQueries
    let queries = Array(Swift.stride(from: 0, to: encoded.texts.count, by: stride))
    let hubness = encoded.images.map { bank?.hubness(of: $0.embedding) ?? 0 }
    guard
      let toImages = stoppableMap(
        queries, shouldStop,
        { text in
          ranks(
            cosines: encoded.images.indices.map { encoded.cosine($0, text) - hubness[$0] },
            answers: encoded.imagesOfGroup[encoded.groupOfText[text]] ?? [], weights
          ) { images in
            try model.match(
              text: encoded.texts[text], features: images.map { encoded.images[$0].features })
          }
        })
    else { return nil }
    progress(0.7)
    guard
      let toTexts = stoppableMap(
        Array(encoded.images.indices), shouldStop,
        { image in
          ranks(
            cosines: encoded.texts.indices.map { encoded.cosine(image, $0) },
            answers: encoded.textsOfGroup[encoded.groupOfImage[image]] ?? [], weights
          ) { texts in
            try model.match(
              texts: texts.map { encoded.texts[$0] }, features: encoded.images[image].features)
          }
        })
    else { return nil }
    func recall(_ rank: (Ranks) -> Int) -> EvaluationReport.Recall {
      EvaluationReport.Recall(
        RetrievalMetrics(ofPictures: toTexts.map(rank), ofTexts: toImages.map(rank)))
    }
    let reranked = weights.indices.map { weight in recall { $0.itm[weight] } }
    let best = reranked.indices.max { reranked[$0].mean < reranked[$1].mean }!
    return Recalls(
      itc: recall(\.itc), itm: reranked[best], itcWeight: weights[best],
      calibration: Self.calibration(
        pictures: toImages.flatMap(\.hits), texts: toTexts.flatMap(\.hits),
        isHubCorrected: bank != nil), queries: queries.count)
  }

  private static func calibration(
    pictures: [LabelledHit], texts: [LabelledHit], isHubCorrected: Bool
  ) -> HitCalibration? {
    func kind(_ hits: [LabelledHit]) -> HitCalibration.Kind? {
      HitRegression(fitting: hits).flatMap {
        HitCalibration.Kind(
          reranked: ($0.reranked.weights[0], $0.reranked.weights[1], $0.reranked.bias),
          unreranked: ($0.byCosine.weights[0], $0.byCosine.bias))
      }
    }
    // Too few queries to say below which probability there is no answer, and nearly all are sentences.
    return kind(pictures).map {
      HitCalibration(
        sentences: $0, phrases: $0, texts: kind(texts), isHubCorrected: isHubCorrected)
    }
  }

  /// The ranks, from 0, of a query's best answer: by cosine, and after reranking with each weight; and its
  /// reranked hits.
  private struct Ranks: Sendable {
    let itc: Int
    let itm: [Int]
    let hits: [LabelledHit]
  }

  private func ranks(
    cosines: [Float], answers: [Int], _ weights: [Float],
    match: ([Int]) throws -> [MatchLogits]
  ) -> Ranks {
    let order = cosines.indices.sorted { (cosines[$0], $1) > (cosines[$1], $0) }
    let best = Array(order.prefix(Self.depth))
    guard let logits = try? match(best) else {
      preconditionFailure("a model rejects its own features")
    }
    return Ranks(
      itc: rank(ofBest: answers, scores: cosines),
      itm: weights.map { weight in
        let reranked = zip(best, logits).map { item, logits in
          RerankedItem(
            item: item, score: logits.score(cosine: cosines[item], itcWeight: weight))
        }
        return rank(ofBest: answers, reranked: reranked, items: cosines.count)
      },
      hits: zip(best, logits).map { item, logits in
        LabelledHit(
          match: Double(logits.match), cosine: Double(cosines[item]),
          isRight: answers.contains(item))
      })
  }

  /// The mean LM loss of the first captions of at most 256 held-out pictures; nil if it was stopped.
  func languageLoss(
    of model: TrainableModel, _ files: PictureFiles, prompt: Int
  ) throws(TrainingError) -> Double? {
    var views = PictureViews(
      source: .files(files, Augmentation(scale: 1...1)), set: set, seed: 0)
    var (sum, count) = (0.0, 0)
    let some = Array(pictures.prefix(256))
    for start in stride(from: 0, to: some.count, by: 32) {
      guard !shouldStop() else { return nil }
      let pairs = some[start..<min(start + 32, some.count)].map {
        TrainingPair(picture: $0, caption: 0)
      }
      guard let batch = views.batch(pairs, epoch: nil, failed: { _, _ in }) else { continue }
      let image = model.encode(pictures: batch.pictures, savingActivations: false)
      let cross = model.project(features: image.features, pictures: batch.texts.count)
      let forward = model.language(
        texts: batch.texts, pictures: Array(batch.texts.indices), cross, prompt: prompt,
        savingActivations: false)
      sum += model.languageLoss(forward) * Double(batch.texts.count)
      count += batch.texts.count
    }
    guard count > 0 else { throw TrainingError("none of the held-out pictures can be read") }
    return sum / Double(count)
  }
}

/// The held-out pictures and their captions as a model encodes them.
private struct EncodedPictures: Sendable {
  let images: [ImageEncoding]
  let groupOfImage: [Int]
  let texts: [[Int32]]
  let groupOfText: [Int]
  private let embeddings: [[Float]]
  /// The indices of a group's images and texts, in ascending order: the answers to its queries.
  let imagesOfGroup, textsOfGroup: [Int: [Int]]

  /// Nil if it was stopped. Pictures that can't be read were reported already, and are left out.
  init?(of evaluation: HeldOutEvaluation, by model: BLIPModel) throws {
    let (set, pictures) = (evaluation.set, evaluation.pictures)
    let side = model.folder.configuration.vision.imageSize
    let encodings = stoppableMap(pictures, evaluation.shouldStop) { picture in
      (try? evaluation.read(set.pictures[picture].path, side)).flatMap { try? model.encode($0) }
    }
    guard let encodings else { return nil }
    let kept = pictures.indices.filter { encodings[$0] != nil }
    guard !kept.isEmpty else {
      throw TrainingError("none of the held-out pictures can be read")
    }
    images = kept.compactMap { encodings[$0] }
    groupOfImage = kept.map { set.groups[pictures[$0]] }
    texts = kept.flatMap { set.texts[pictures[$0]] }
    groupOfText = kept.flatMap { index in
      set.texts[pictures[index]].map { _ in set.groups[pictures[index]] }
    }
    embeddings = try model.embed(texts: texts)
    let (groupOfImage, groupOfText) = (groupOfImage, groupOfText)
    imagesOfGroup = Dictionary(grouping: images.indices) { groupOfImage[$0] }
    textsOfGroup = Dictionary(grouping: texts.indices) { groupOfText[$0] }
  }

  func cosine(_ image: Int, _ text: Int) -> Float {
    zip(images[image].embedding, embeddings[text]).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

/// `concurrentMap`, or nil if it was stopped.
private func stoppableMap<Item: Sendable, Result: Sendable>(
  _ items: [Item], _ shouldStop: @Sendable () -> Bool, _ transform: (Item) -> Result
) -> [Result]? {
  let results = concurrentMap(items) { item -> Result? in shouldStop() ? nil : transform(item) }
  let done = results.compactMap { $0 }
  return done.count == items.count ? done : nil
}
