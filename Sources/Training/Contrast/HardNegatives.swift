public import Random
internal import Glibc
public import Tensors

/// Draws an ITM negative for every row of a batch, the column of another picture: by the softmax of
/// the ITC similarity, so that hard negatives are drawn often.
public struct HardNegatives: Sendable, Equatable {
  /// Added to every weight: 1e-4 in BLIP's pre-training, 0 in its fine-tuning.
  public var floor: Double
  /// From 0, where all other pictures are equally likely, to 1, where the similarity alone decides. ITM
  /// that is trained from scratch should not start with hard negatives only.
  public var hardness: Double

  /// BLIP's negatives by default.
  public init(floor: Double = 0, hardness: Double = 1) {
    precondition(floor >= 0 && 0...1 ~= hardness)
    self.floor = floor
    self.hardness = hardness
  }

  /// Draws a column for every row, never one of the row's own picture.
  /// - Parameters:
  ///   - similarities: `[B, B]`, divided by the temperature.
  ///   - pictures: The picture of row and column i.
  ///   - random: Random numbers for these draws.
  /// - Throws: If the batch has only one picture.
  public func draw(
    _ similarities: Matrix, pictures: [Int32], random: CounterRandom
  ) throws(TrainingError) -> [Int] {
    precondition(similarities.rows == pictures.count && similarities.columns == pictures.count)
    guard pictures.contains(where: { $0 != pictures[0] }) else {
      throw TrainingError(
        "a batch of \(pictures.count) captions of one picture has no negatives; use more pictures or "
          + "larger batches")
    }
    return pictures.indices.map { row in
      let weights = weights(similarities[row: row], ofRow: row, pictures: pictures)
      let total = weights.reduce(0, +)
      var left = random.uniform(at: UInt64(row)) * total
      var drawn = 0
      for (column, weight) in weights.enumerated() where weight > 0 {
        drawn = column
        left -= weight
        if left < 0 { break }
      }
      return drawn
    }
  }

  /// The unnormalised probability of each column; 0 for those of the row's own picture.
  func weights(
    _ similarities: ArraySlice<Float>, ofRow row: Int, pictures: [Int32]
  ) -> [Double] {
    let isOther = pictures.map { $0 != pictures[row] }
    let similarities = similarities.map(Double.init)
    // The largest of the others becomes 1, so that their sum is never 0; the exponential of the row's
    // own picture could overflow.
    let largest = zip(similarities, isOther).reduce(-Double.infinity) {
      $1.1 ? max($0, $1.0) : $0
    }
    let powers = similarities.map { exp(min($0 - largest, 600)) }
    // Adding the floor to a softmax is adding it, times the sum, to what the softmax divides.
    let added = floor > 0 ? floor * powers.reduce(0, +) : 0
    let hard = zip(powers, isOther).map { $1 ? $0 + added : 0 }
    let total = hard.reduce(0, +)
    let others = Double(isOther.count { $0 })
    return zip(hard, isOther).map {
      $1 ? hardness * $0 / total + (1 - hardness) / others : 0
    }
  }
}
