internal import Tensors

/// The newest momentum embeddings of pictures and texts, a ring of both: negatives that ITC needs
/// more of than a batch has.
struct FeatureQueue: Sendable {
  /// `[capacity, width]` each, normalised.
  private(set) var images, texts: Matrix
  /// Which picture every row belongs to; `nobody` where it is still one of the random rows that the
  /// queue starts with.
  private(set) var pictures: [Int32]
  /// The row that is overwritten next.
  private(set) var next = 0

  /// Stands for no picture at all.
  static let nobody: Int32 = -100

  /// A queue of random unit vectors, as BLIP's starts.
  init(capacity: Int, width: Int, random: CounterRandom) {
    func unitVectors(_ random: CounterRandom) -> Matrix {
      Matrix(
        rows: capacity, columns: width,
        values: (0..<capacity).flatMap { row in
          normalized((0..<width).map { Float(random.normal(at: UInt64(row * width + $0))) })
        })
    }
    self.init(
      images: unitVectors(random.part(0)), texts: unitVectors(random.part(1)),
      pictures: [Int32](repeating: Self.nobody, count: capacity), next: 0)
  }

  /// A queue of given rows.
  init(images: Matrix, texts: Matrix, pictures: [Int32], next: Int) {
    precondition(images.rows == texts.rows && images.columns == texts.columns)
    precondition(pictures.count == images.rows)
    precondition(images.rows == 0 ? next == 0 : 0..<images.rows ~= next)
    (self.images, self.texts, self.pictures, self.next) = (images, texts, pictures, next)
  }

  var capacity: Int { pictures.count }

  /// Puts a batch in the place of the oldest rows.
  mutating func enqueue(images: Matrix, texts: Matrix, pictures: [Int32]) {
    let width = self.images.columns
    for row in pictures.indices.suffix(capacity) {
      let place = next * width..<(next + 1) * width
      self.images.values.replaceSubrange(place, with: images[row: row])
      self.texts.values.replaceSubrange(place, with: texts[row: row])
      self.pictures[next] = pictures[row]
      next = (next + 1) % capacity
    }
  }
}

// MARK: - State

extension FeatureQueue {
  /// What a run needs to go on.
  func state() -> [Parameter] {
    // Floats hold the numbers of 16 million pictures and places.
    [
      Parameter(
        name: "queue.images", shape: [images.rows, images.columns], values: images.values),
      Parameter(name: "queue.texts", shape: [texts.rows, texts.columns], values: texts.values),
      Parameter(name: "queue.pictures", shape: [capacity], values: pictures.map(Float.init)),
      Parameter(name: "queue.next", shape: [1], values: [Float(next)]),
    ]
  }

  /// Takes back what `state` gave of a queue as large.
  mutating func restore(_ read: StateReader) throws {
    let (width, capacity) = (images.columns, capacity)
    func matrix(_ name: String) throws -> Matrix {
      Matrix(rows: capacity, columns: width, values: try read(name, [capacity, width]))
    }
    let next = Int(exactly: try read("queue.next", [1])[0]) ?? -1
    let pictures = try read("queue.pictures", [capacity]).map { Int32(exactly: $0) }
    guard next >= 0, next < max(capacity, 1), !pictures.contains(nil) else {
      throw TrainingError(
        "the queue of the checkpoint is damaged; go on from the one before, or train anew")
    }
    self = FeatureQueue(
      images: try matrix("queue.images"), texts: try matrix("queue.texts"),
      pictures: pictures.compactMap { $0 }, next: next)
  }
}
