internal import Tensors

/// What turns the text encoder into the image-grounded one: pictures to look at, and which text looks
/// at which. Several pictures of one text and several texts of one picture are the two uses.
struct Grounding {
  /// The cross-attention of every layer.
  let attention: [BERTAttention]
  /// The texts that are in a pair.
  let texts: [[Int32]]
  /// The patch features of the pictures that are in a pair, one behind the other: `[Σ 1 + P, D]`.
  var features: AttendedRows
  /// Which of `texts` looks at which of `pictures`.
  let pairs: [Pair]
  /// The order of multiplication, where it is not to be the cheaper one.
  let order: BERTAttention.Order?

  /// A text and the picture it looks at, by index.
  struct Pair {
    var text: Int
    var picture: Int
  }

  /// Leaves out the texts and pictures that none of the pairs names.
  init(
    attention: [BERTAttention], texts: [[Int32]], pictures: [Matrix], pairs: ArraySlice<Pair>,
    order: BERTAttention.Order?
  ) {
    let usedTexts = Selection(pairs.map(\.text))
    let usedPictures = Selection(pairs.map(\.picture))
    self.attention = attention
    self.texts = usedTexts.indices.map { texts[$0] }
    self.pairs = zip(usedTexts.places, usedPictures.places).map { Pair(text: $0, picture: $1) }
    self.order = order
    let used = usedPictures.indices.map { pictures[$0] }
    let parts = consecutiveRanges(used.map(\.rows))
    if used.count == 1 {
      features = AttendedRows(used[0], parts: parts)
    } else {
      let rows = used.reduce(0) { $0 + $1.rows }
      let columns = used.first?.columns ?? 0
      // Tens of megabytes: an array that grows as it is filled would take twice as much.
      var values: [Float] = []
      values.reserveCapacity(rows * columns)
      for picture in used { values += picture.values }
      features = AttendedRows(
        Matrix(rows: rows, columns: columns, values: values), parts: parts)
    }
  }

  /// The cross-attention of a layer.
  /// - Parameters:
  ///   - x: `[query rows, width]`
  ///   - queries: The rows of each pair.
  ///   - activations: `output` becomes `[query rows, width]`.
  mutating func attend(
    _ x: Matrix, _ queries: [Range<Int>], layer: Int,
    _ activations: inout BERTAttention.Activations
  ) {
    let segments = zip(queries, pairs).map {
      AttentionSegment(queries: $0, keys: features.parts[$1.picture])
    }
    let context = features.context(
      of: attention[layer], queries: x.rows,
      pairs: segments.reduce(0) { $0 + $1.queries.count * $1.keys.count }, order: order)
    attention[layer](x, over: context, segments, &activations)
  }
}

/// The different ones of a list of indices, and where each of the list is among them.
private struct Selection {
  var indices: [Int] = []
  var places: [Int] = []

  init(_ list: [Int]) {
    var placeOf: [Int: Int] = [:]
    for index in list {
      let place = placeOf[index] ?? indices.count
      if place == indices.count {
        placeOf[index] = place
        indices.append(index)
      }
      places.append(place)
    }
  }
}

/// Ranges of the given lengths, one behind the other from 0.
package func consecutiveRanges(_ lengths: [Int]) -> [Range<Int>] {
  var end = 0
  return lengths.map { length in
    end += length
    return end - length..<end
  }
}
