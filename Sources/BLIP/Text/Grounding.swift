internal import Tensors

/// What turns the text encoder into the image-grounded one: pictures, and which text attends to which.
/// Used with several pictures of one text and with several texts of one picture.
struct Grounding {
  /// The cross-attention of every layer.
  let attention: [BERTAttention]
  /// The texts that are in a pair.
  let texts: [[Int32]]
  /// The text of each pair.
  let textOf: [Int]
  /// The pictures that are in a pair, and which pair attends to which.
  let context: CrossContext

  /// A text and the picture it attends to, by index.
  struct Pair {
    var text: Int
    var picture: Int
  }

  /// Leaves out the texts and pictures that are in none of the pairs.
  /// - Parameter order: The order of multiplication; nil for the cheaper one.
  init(
    attention: [BERTAttention], texts: [[Int32]], pictures: [Matrix], pairs: ArraySlice<Pair>,
    order: BERTAttention.Order?
  ) {
    let usedTexts = Selection(pairs.map(\.text))
    let usedPictures = Selection(pairs.map(\.picture))
    self.attention = attention
    self.texts = usedTexts.indices.map { texts[$0] }
    textOf = usedTexts.places
    context = CrossContext(
      features: PatchFeatures(usedPictures.indices.map { pictures[$0] }),
      pictureOf: usedPictures.places, order: order)
  }
}

/// The distinct indices of a list, and which of them each element of the list is.
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
