internal import Tensors

/// What the decoder remembers of sequences that grow in step: layer by layer the keys and values of
/// their tokens, and the pictures that they tell of. A picture's are computed once and serve all its
/// sequences.
struct DecoderState: Sendable {
  /// One layer's. A sequence has `capacity` rows, of which the first `length` are filled.
  struct Layer: Sendable {
    var keys, values: Matrix
    /// The pictures, ready for the cross-attention.
    let pictures: BERTAttention.Context
  }

  var layers: [Layer]
  /// The most tokens of a sequence.
  let capacity: Int
  /// The rows of each picture.
  private let pictures: [Range<Int>]
  /// Tokens that every sequence has.
  private(set) var length = 0
  /// The picture that each sequence tells of; sequences of one picture follow each other.
  private(set) var pictureOf: [Int]
  private var spare = Matrix()

  /// One empty sequence for each picture.
  /// - Parameters:
  ///   - layers: What each layer sees of the pictures.
  ///   - pictures: The rows of each.
  init(layers: [BERTAttention.Context], width: Int, pictures: [Range<Int>], capacity: Int) {
    self.capacity = capacity
    self.pictures = pictures
    pictureOf = Array(pictures.indices)
    let empty = Matrix(rows: pictures.count * capacity, columns: width)
    self.layers = layers.map { Layer(keys: empty, values: empty, pictures: $0) }
  }

  /// Takes the keys and values of `count` more tokens of every sequence, `[sequences · count, width]`.
  mutating func append(keys: Matrix, values: Matrix, count: Int, layer: Int) {
    for sequence in pictureOf.indices {
      let (from, to) = (sequence * count..<(sequence + 1) * count, sequence * capacity + length)
      layers[layer].keys.replaceRows(from: to, with: from, of: keys)
      layers[layer].values.replaceRows(from: to, with: from, of: values)
    }
  }

  /// Every sequence has grown by so many tokens.
  mutating func advance(by count: Int) {
    length += count
    precondition(length <= capacity, "\(length) tokens where \(capacity) have room")
  }

  /// Goes on with copies of some sequences; the others are forgotten.
  /// - Parameter parents: Which one each sequence goes on from, those of one picture together.
  mutating func follow(_ parents: [Int]) {
    guard parents != Array(pictureOf.indices) else { return }
    pictureOf = parents.map { pictureOf[$0] }
    for layer in layers.indices {
      swap(&layers[layer].keys, &spare)
      Self.gather(parents, capacity, length, from: spare, into: &layers[layer].keys)
      swap(&layers[layer].values, &spare)
      Self.gather(parents, capacity, length, from: spare, into: &layers[layer].values)
    }
  }

  private static func gather(
    _ parents: [Int], _ capacity: Int, _ length: Int, from old: Matrix, into new: inout Matrix
  ) {
    new.reshape(rows: parents.count * capacity, columns: old.columns)
    for (sequence, parent) in parents.enumerated() {
      let rows = parent * capacity..<parent * capacity + length
      new.replaceRows(from: sequence * capacity, with: rows, of: old)
    }
  }

  /// Which rows of `count` new tokens of every sequence ask which of its own, these among them.
  func ownSegments(_ count: Int) -> [AttentionSegment] {
    pictureOf.indices.map { sequence in
      let first = sequence * capacity
      return AttentionSegment(
        queries: sequence * count..<(sequence + 1) * count, keys: first..<first + length + count)
    }
  }

  /// Which rows of `count` new tokens of every sequence ask which of the pictures'.
  func pictureSegments(_ count: Int) -> [AttentionSegment] {
    var segments: [AttentionSegment] = []
    var first = 0
    while first < pictureOf.count {
      let picture = pictureOf[first]
      let end = pictureOf[first...].firstIndex { $0 != picture } ?? pictureOf.count
      segments.append(
        AttentionSegment(queries: first * count..<end * count, keys: pictures[picture]))
      first = end
    }
    return segments
  }
}
