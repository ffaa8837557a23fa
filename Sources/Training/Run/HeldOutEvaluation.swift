internal import BLIP
internal import Captions
internal import Checkpoints
internal import Images
internal import Tensors

/// Measures a model folder, as any program would use it, on pictures that it was not trained on:
/// recall by ITC, and after ITM on the best 16, in both directions.
struct HeldOutEvaluation: Sendable {
  let set: TrainingSet
  /// The held-out pictures.
  let pictures: [Int]
  let read: @Sendable (String, Int) throws -> Picture
  let shouldStop: @Sendable () -> Bool

  /// BLIP's k_test, for the default model.
  static let depth = 16
  /// What the cosine may count beside the match logit: BLIP's 1, and more for a matcher that knows
  /// less than the contrast does.
  static let weights: [Float] = [1, 2, 4, 6, 8, 12, 16, 24]
  /// Texts that pictures are looked for with; of more captions every second, third … is taken.
  static let mostQueries = 1500

  /// What was measured.
  struct Recalls: Sendable {
    var itc, itm: EvaluationReport.Recall
    /// What the cosine counted for `itm`: the weight that found most or, for a model that says nothing
    /// of reranking, its own.
    var itcWeight: Float
    var queries: Int
  }

  /// The recalls; nil where it was stopped.
  /// - Parameter progress: Told the share that is done.
  func recalls(
    of model: BLIPModel, progress: @Sendable (Double) -> Void
  ) throws -> Recalls? {
    let configuration = model.folder.configuration
    let weights = configuration.rerankDepth == nil ? [configuration.itcWeight] : Self.weights
    let side = model.folder.configuration.vision.imageSize
    // Pictures, texts and pairs are many: each thread takes some of them.
    setComputeThreads(1)
    defer { setComputeThreads(processors) }
    guard
      let encodings = concurrently(
        pictures,
        { picture in
          // One that cannot be read was told already, and is left out here too.
          (try? read(set.pictures[picture].path, side)).flatMap { try? model.encode($0) }
        })
    else { return nil }
    progress(0.3)
    let kept = pictures.indices.filter { encodings[$0] != nil }
    guard !kept.isEmpty else {
      throw TrainingError("none of the held-out pictures can be read")
    }
    let images = kept.compactMap { encodings[$0] }
    let groups = kept.map { set.groups[pictures[$0]] }
    var texts: [[Int32]] = []
    var groupOfText: [Int] = []
    for index in kept {
      for text in set.texts[pictures[index]] {
        texts.append(text)
        groupOfText.append(set.groups[pictures[index]])
      }
    }
    let embeddings = try model.embed(texts: texts)
    func cosine(_ image: Int, _ text: Int) -> Float {
      zip(images[image].embedding, embeddings[text]).reduce(0) { $0 + $1.0 * $1.1 }
    }

    let stride = (texts.count + Self.mostQueries - 1) / Self.mostQueries
    let queries = Array(Swift.stride(from: 0, to: texts.count, by: stride))
    let toImages = concurrently(queries) { text in
      ranks(
        weights, count: images.count, cosine: { cosine($0, text) },
        isAnswer: { groups[$0] == groupOfText[text] },
        match: { try model.match(text: texts[text], features: $0.map { images[$0].features }) })
    }
    guard let toImages else { return nil }
    progress(0.7)
    let toTexts = concurrently(Array(images.indices)) { image in
      ranks(
        weights, count: texts.count, cosine: { cosine(image, $0) },
        isAnswer: { groupOfText[$0] == groups[image] },
        match: { try model.match(texts: $0.map { texts[$0] }, features: images[image].features) })
    }
    guard let toTexts else { return nil }
    func recall(_ rank: (Ranks) -> Int) -> EvaluationReport.Recall {
      func share(_ all: [Ranks], within k: Int) -> Double {
        100 * Double(all.count { rank($0) < k }) / Double(all.count)
      }
      return EvaluationReport.Recall(
        txt_r1: share(toTexts, within: 1), txt_r5: share(toTexts, within: 5),
        txt_r10: share(toTexts, within: 10), img_r1: share(toImages, within: 1),
        img_r5: share(toImages, within: 5), img_r10: share(toImages, within: 10))
    }
    let reranked = weights.indices.map { weight in recall { $0.itm[weight] } }
    let best = reranked.indices.max { reranked[$0].mean < reranked[$1].mean }!
    return Recalls(
      itc: recall(\.itc), itm: reranked[best], itcWeight: weights[best], queries: queries.count)
  }

  /// From 0, the places of the first right answer: by the cosines, and by each of the weights.
  private struct Ranks: Sendable {
    let itc: Int
    let itm: [Int]
  }

  private func ranks(
    _ weights: [Float], count: Int, cosine: (Int) -> Float, isAnswer: (Int) -> Bool,
    match: ([Int]) throws -> [MatchLogits]
  ) -> Ranks {
    let cosines = (0..<count).map(cosine)
    let order = (0..<count).sorted { (cosines[$0], $1) > (cosines[$1], $0) }
    let best = Array(order.prefix(Self.depth))
    guard let logits = try? match(best) else { preconditionFailure("a model refuses its features") }
    func first(_ order: [Int]) -> Int { order.firstIndex(where: isAnswer) ?? count }
    return Ranks(
      itc: first(order),
      itm: weights.map { weight in
        let scores = zip(best, logits).map { $0.1.score(cosine: cosines[$0.0], itcWeight: weight) }
        let reranked = best.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }
        return first(reranked.map { best[$0] } + order.dropFirst(Self.depth))
      })
  }

  /// What `make` makes of every item, on all cores; nil if it was stopped.
  private func concurrently<Item: Sendable, Made: Sendable>(
    _ items: [Item], _ make: (Item) -> Made
  ) -> [Made]? {
    let all = concurrentMap(items) { item -> Made? in shouldStop() ? nil : make(item) }
    let made = all.compactMap { $0 }
    return made.count == items.count ? made : nil
  }

  /// The mean LM loss of the first captions of at most 256 held-out pictures; nil where it was
  /// stopped.
  func languageLoss(
    of network: Network, _ files: PictureFiles, prompt: Int
  ) throws(TrainingError) -> Double? {
    var views = PictureViews(
      source: .files(files, Augmentation(scale: 1...1)), set: set, seed: 0)
    var scratch = network.zeros()
    var (sum, count) = (0.0, 0)
    let some = Array(pictures.prefix(256))
    for start in stride(from: 0, to: some.count, by: 32) {
      guard !shouldStop() else { return nil }
      let pairs = some[start..<min(start + 32, some.count)].map {
        TrainingPair(picture: $0, caption: 0)
      }
      guard let batch = views.batch(pairs, epoch: nil, failed: { _, _ in }) else { continue }
      let image = network.encode(pictures: batch.pictures, keeping: false)
      var cross = network.project(features: image.features, pictures: batch.texts.count)
      let loss = network.languageModel(
        texts: batch.texts, pictures: Array(batch.texts.indices), &cross, prompt: prompt,
        into: &scratch)
      sum += loss * Double(batch.texts.count)
      count += batch.texts.count
    }
    guard count > 0 else { throw TrainingError("none of the held-out pictures can be read") }
    return sum / Double(count)
  }
}
