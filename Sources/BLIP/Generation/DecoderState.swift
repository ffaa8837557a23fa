internal import Tensors

/// What the decoder remembers of sequences that grow in step: layer by layer the keys and values of
/// their tokens, and the pictures that they describe. A picture's keys and values are computed once and
/// serve all its sequences.
struct DecoderState: Sendable {
  /// One layer's keys and values. A sequence has `capacity` rows, of which the first `length` are
  /// filled.
  struct Layer: Sendable {
    var keys, values: Matrix
  }

  var layers: [Layer]
  /// The most tokens of a sequence.
  let capacity: Int
  /// What each layer attends to of the pictures, and the rows of each.
  let contexts: [BERTAttention.Context]
  private let pictures: [Range<Int>]
  /// Tokens that every sequence has.
  private(set) var length = 0
  /// The picture that each sequence describes; sequences of one picture follow each other.
  private(set) var pictureOf: [Int]
  private var spare = Matrix()

  /// One empty sequence for each picture.
  /// - Parameters:
  ///   - contexts: What each layer attends to of the pictures.
  ///   - pictures: The rows of each.
  init(
    contexts: [BERTAttention.Context], width: Int, pictures: [Range<Int>], capacity: Int
  ) {
    self.capacity = capacity
    self.contexts = contexts
    self.pictures = pictures
    pictureOf = Array(pictures.indices)
    let empty = Matrix(rows: pictures.count * capacity, columns: width)
    layers = contexts.map { _ in Layer(keys: empty, values: empty) }
  }

  /// The pictures, for the cross-attentions.
  var cross: CrossContext {
    CrossContext(pictures: pictures, pictureOf: pictureOf, prepared: contexts)
  }

  /// Appends the keys and values of `count` more tokens of every sequence, `[sequences · count, width]`.
  /// - Returns: Those of all tokens.
  mutating func append(
    keys: Matrix, values: Matrix, count: Int, layer: Int
  ) -> BERTAttention.Context {
    for sequence in pictureOf.indices {
      let (from, to) = (sequence * count..<(sequence + 1) * count, sequence * capacity + length)
      layers[layer].keys.replaceRows(from: to, with: from, of: keys)
      layers[layer].values.replaceRows(from: to, with: from, of: values)
    }
    return .unpacked(keys: layers[layer].keys, values: layers[layer].values)
  }

  /// The rows of each sequence's keys once `count` tokens are appended.
  func keyRows(adding count: Int) -> [Range<Int>] {
    pictureOf.indices.map { $0 * capacity..<$0 * capacity + length + count }
  }

  /// Notes that every sequence has grown by `count` tokens.
  mutating func advance(by count: Int) {
    length += count
    precondition(length <= capacity, "\(length) tokens in a capacity of \(capacity)")
  }

  /// Replaces the sequences by copies of some of them; the others are dropped.
  /// - Parameter parents: The sequence that each new one continues, those of one picture together.
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
}
