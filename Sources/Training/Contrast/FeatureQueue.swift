import Random
internal import Tensors

/// The latest momentum embeddings of pictures and texts, in a ring buffer: ITC needs more negatives
/// than a batch has.
struct FeatureQueue: Sendable {
  /// `[capacity, width]` each, normalised.
  private(set) var images, texts: Matrix
  /// The picture of every row; `nobody` for the random rows that the queue starts with.
  private(set) var pictures: [Int32]
  /// The row to overwrite next.
  private(set) var next = 0

  /// Stands for no picture at all.
  static let nobody: Int32 = -100

  /// A queue of random unit vectors, as BLIP starts.
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

  /// A queue of the given rows.
  init(images: Matrix, texts: Matrix, pictures: [Int32], next: Int) {
    precondition(images.rows == texts.rows && images.columns == texts.columns)
    precondition(pictures.count == images.rows)
    precondition(images.rows == 0 ? next == 0 : 0..<images.rows ~= next)
    (self.images, self.texts, self.pictures, self.next) = (images, texts, pictures, next)
  }

  var capacity: Int { pictures.count }

  /// Replaces the oldest rows by a batch.
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
  /// What a run needs to resume.
  func state() -> [Parameter] {
    // Floats represent integers up to 16 million exactly.
    [
      Parameter(
        name: "queue.images", shape: [images.rows, images.columns], values: images.values),
      Parameter(name: "queue.texts", shape: [texts.rows, texts.columns], values: texts.values),
      Parameter(name: "queue.pictures", shape: [capacity], values: pictures.map(Float.init)),
      Parameter(name: "queue.next", shape: [1], values: [Float(next)]),
    ]
  }

  /// Restores what `state` returned for a queue of the same capacity.
  mutating func restore(_ read: StateReader) throws {
    let (width, capacity) = (images.columns, capacity)
    func matrix(_ name: String) throws -> Matrix {
      Matrix(rows: capacity, columns: width, values: try read(name, [capacity, width]))
    }
    let next = Int(exactly: try read("queue.next", [1])[0]) ?? -1
    let pictures = try read("queue.pictures", [capacity]).map { Int32(exactly: $0) }
    guard next >= 0, next < max(capacity, 1), !pictures.contains(nil) else {
      throw TrainingError(
        "the checkpoint's queue is damaged; resume from an earlier one, or start again")
    }
    self = FeatureQueue(
      images: try matrix("queue.images"), texts: try matrix("queue.texts"),
      pictures: pictures.compactMap { $0 }, next: next)
  }
}
