import Tensors
import TestSupport
import Testing

@testable import Training

/// ITC with momentum and queues against PyTorch, call after call.
@Suite struct ContrastiveObjectiveTests {
  @Test(arguments: ["pretrain", "retrieval"]) func followsPyTorch(name: String) throws {
    let reference = try Reference("objectives.safetensors")
    let width = 16
    let queued = try reference.matrix("\(name).queue.images")
    var objective = ContrastiveObjective(
      name == "pretrain" ? .pair : .samePicture,
      queue: FeatureQueue(
        images: queued, texts: try reference.matrix("\(name).queue.texts"),
        pictures: [Int32](repeating: FeatureQueue.nobody, count: queued.rows), next: 0))
    #expect(queued.columns == width)
    for call in 0..<4 {
      let path = "\(name).\(call)"
      let pictures = try reference.integers("\(path).pictures").map(Int32.init)
      let outcome = objective(
        .init(
          images: try reference.matrix("\(path).images"),
          texts: try reference.matrix("\(path).texts"),
          momentumImages: try reference.matrix("\(path).momentum.images"),
          momentumTexts: try reference.matrix("\(path).momentum.texts"), pictures: pictures),
        temperature: try reference.floats("\(path).temperature")[0],
        alpha: try reference.floats("\(path).alpha")[0])

      #expect(abs(outcome.loss - Double(try reference.floats("\(path).loss")[0])) <= 1e-5)
      for (gradient, name) in [(outcome.dImages, "images"), (outcome.dTexts, "texts")] {
        #expect(
          relativeError(gradient.values, try reference.floats("\(path).d.\(name)")) <= 1e-5)
      }
      #expect(
        relativeError(
          [outcome.dTemperature], try reference.floats("\(path).d.temperature")) <= 1e-4)

      #expect(objective.queue.images == (try reference.matrix("\(path).queue.images")))
      #expect(objective.queue.texts == (try reference.matrix("\(path).queue.texts")))
      #expect(
        objective.queue.pictures.map(Int.init)
          == (try reference.integers("\(path).queue.pictures")))

      // What hard negatives are drawn by.
      let negatives = HardNegatives(floor: name == "pretrain" ? 1e-4 : 0)
      for (similarities, way) in [(outcome.imageToText, "i2t"), (outcome.textToImage, "t2i")] {
        let weights = try reference.matrix("\(path).weights.\(way)")
        for row in 0..<weights.rows {
          let ours = negatives.weights(similarities[row: row], ofRow: row, pictures: pictures)
          let sum = weights[row: row].reduce(0, +)
          #expect(
            relativeError(ours.map(Float.init), Array(weights[row: row]).map { $0 / sum }) <= 1e-4)
        }
      }
    }
  }

  @Test func theQueueIsARingOfAnyBatchSize() {
    var queue = FeatureQueue(capacity: 5, width: 2, random: CounterRandom(key: 1))
    func batch(_ pictures: ClosedRange<Int32>) -> (Matrix, [Int32]) {
      let values = pictures.flatMap { [Float($0), -Float($0)] }
      return (Matrix(rows: pictures.count, columns: 2, values: values), Array(pictures))
    }
    for pictures in [1...3, 4...6, 7...7] as [ClosedRange<Int32>] {
      let (rows, ids) = batch(pictures)
      queue.enqueue(images: rows, texts: rows, pictures: ids)
    }
    #expect(queue.pictures == [6, 7, 3, 4, 5])
    #expect(queue.images.values == [6, -6, 7, -7, 3, -3, 4, -4, 5, -5])
    #expect(queue.texts == queue.images)
    let (rows, ids) = batch(11...18)
    queue.enqueue(images: rows, texts: rows, pictures: ids)
    #expect(Set(queue.pictures) == Set(14...18))
  }

  @Test func theQueueStartsWithRandomUnitVectorsOfNobody() {
    let queue = FeatureQueue(capacity: 300, width: 8, random: CounterRandom(key: 1))
    for row in 0..<300 {
      let vector = Array(queue.images[row: row])
      #expect(abs(dot(vector, vector) - 1) <= 1e-5)
    }
    // No direction is preferred: the mean of 300 is about 1 / √300 long.
    let mean = (0..<8).map { column in
      (0..<300).reduce(0) { $0 + queue.images.values[$1 * 8 + column] } / 300
    }
    #expect(dot(mean, mean).squareRoot() < 0.15)
    #expect(queue.images != queue.texts)
    #expect(queue.pictures.allSatisfy { $0 == FeatureQueue.nobody })
    let another = FeatureQueue(capacity: 300, width: 8, random: CounterRandom(key: 2))
    #expect(queue.images != another.images)
  }

  @Test func withoutAQueueTheBatchIsEnough() {
    var objective = ContrastiveObjective(
      .pair, capacity: 0, width: 2, random: CounterRandom(key: 1))
    let rows = Matrix(rows: 2, columns: 2, values: [1, 0, 0, 1])
    let outcome = objective(
      .init(
        images: rows, texts: rows, momentumImages: rows, momentumTexts: rows, pictures: [0, 1]),
      temperature: 0.05, alpha: 0)
    #expect(abs(outcome.loss) < 1e-6)
  }
}
