public import Tensors

/// k-means by Lloyd's iterations: centres whose lists of nearest vectors an index probes.
public enum KMeans {
  /// Trains `count` centres on the rows of `sample`.
  ///
  /// Seeding is k-means++ (Arthur and Vassilvitskii 2007) in rounds, as k-means‖ has it (Bahmani et
  /// al. 2012): a round draws an eighth of the centres with probabilities as the squared distances
  /// to those before it, so that seeding costs as many products as one iteration. A centre that
  /// no vector is nearest to moves beside the one with the most.
  /// - Parameters:
  ///   - iterations: Seeds drawn like this are so good that more than a few improve little.
  ///   - random: The same numbers give the same centres.
  /// - Returns: `[count, d]`, or as many rows as `sample` has where it has fewer.
  public static func train(
    _ sample: Matrix, count: Int, iterations: Int = 4,
    using random: inout some RandomNumberGenerator
  ) -> Matrix {
    precondition(count > 0 && sample.rows > 0)
    guard sample.rows > count else { return sample }
    var centres = seeds(from: sample, count: count, using: &random)
    for _ in 0..<iterations {
      let nearest = GroupedCentres(centres).nearest(of: sample).rows
      centres = means(of: sample, in: nearest, count: count)
    }
    return centres
  }

  private static let rounds = 8

  private static func seeds(
    from sample: Matrix, count: Int, using random: inout some RandomNumberGenerator
  ) -> Matrix {
    var chosen: [Int] = []
    let norms = sample.squaredNorms()
    var distances = [Float](repeating: 1, count: sample.rows)
    for round in 1...rounds {
      let wanted = count * round / rounds - chosen.count
      guard wanted > 0 else { continue }
      let drawn = draw(wanted, as: distances, using: &random)
      chosen += drawn
      guard chosen.count < count else { break }
      let scores = GroupedCentres(sample.rows(drawn)).nearest(of: sample).scores
      for row in distances.indices {
        let found = max(0, norms[row] - 2 * scores[row])
        // The first round's distances are all 1: it has nothing before it.
        distances[row] = round == 1 ? found : min(distances[row], found)
      }
      // A seed's own distance is 0 but for rounding.
      for row in drawn { distances[row] = 0 }
    }
    return sample.rows(chosen)
  }

  /// So many different numbers of `weights`, with probabilities as the weights; where too few are
  /// above 0, the first of the others too.
  private static func draw(
    _ count: Int, as weights: [Float], using random: inout some RandomNumberGenerator
  ) -> [Int] {
    // Systematic sampling: one random start, then equal steps along the sums of the weights.
    let total = weights.reduce(0.0) { $0 + Double($1) }
    var drawn: [Int] = []
    drawn.reserveCapacity(count)
    if total > 0 {
      let step = total / Double(count)
      var next = Double.random(in: 0..<1, using: &random) * step
      var sum = 0.0
      for (index, weight) in weights.enumerated() where drawn.count < count {
        sum += Double(weight)
        guard sum > next else { continue }
        drawn.append(index)
        while next < sum { next += step }
      }
    }
    if drawn.count < count {
      let taken = Set(drawn)
      drawn += weights.indices.lazy.filter { !taken.contains($0) }.prefix(count - drawn.count)
    }
    return drawn
  }

  /// The means of the rows that are in each of `count` lists, of which none is left empty.
  static func means(of sample: Matrix, in nearest: [Int], count: Int) -> Matrix {
    let columns = sample.columns
    var counts = [Int](repeating: 0, count: count)
    var sums = Matrix(rows: count, columns: columns)
    sums.values.withUnsafeMutableBufferPointer { sums in
      sample.values.withUnsafeBufferPointer { values in
        for (row, centre) in nearest.enumerated() {
          counts[centre] += 1
          let (from, to) = (row * columns, centre * columns)
          for column in 0..<columns { sums[to + column] += values[from + column] }
        }
      }
      for centre in counts.indices where counts[centre] > 0 {
        let share = 1 / Float(counts[centre])
        for column in 0..<columns { sums[centre * columns + column] *= share }
      }
    }
    fillEmpty(&sums, &counts)
    return sums
  }

  /// Puts a centre without vectors beside the one with the most, both a little off it, and gives
  /// each half its vectors, so that the next iteration divides them.
  private static func fillEmpty(_ centres: inout Matrix, _ counts: inout [Int]) {
    let columns = centres.columns
    for empty in counts.indices where counts[empty] == 0 {
      guard let largest = counts.indices.max(by: { counts[$0] < counts[$1] }) else { return }
      for column in 0..<columns {
        let value = centres.values[largest * columns + column]
        let offset = (column % 2 == 0 ? 1 : -1) * Float(1) / 1024 * abs(value)
        centres.values[empty * columns + column] = value + offset
        centres.values[largest * columns + column] = value - offset
      }
      counts[empty] = counts[largest] / 2
      counts[largest] -= counts[empty]
    }
  }
}
