import Tensors
import TestSupport
import Testing

@testable import VectorIndex

@Suite struct KMeansClustering {
  private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
    var random = SplitMix64(seed: seed)
    return Matrix(
      rows: rows, columns: columns,
      values: (0..<rows * columns).map { _ in .random(in: -1...1, using: &random) })
  }

  private func squaredDistance(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
    zip(a, b).reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
  }

  @Test(arguments: [(1, 1, 1), (5, 3, 7), (300, 17, 40), (40, 33, 1030)])
  func nearestRowsAreThoseOfTheDefinition(_ rows: Int, _ columns: Int, _ centres: Int) {
    let (x, c) = (random(rows, columns, seed: 1), random(centres, columns, seed: 2))
    let found = nearestRows(of: x, among: c)
    let norms = x.squaredNorms()
    for row in 0..<rows {
      let distances = (0..<centres).map { squaredDistance(x[row: row], c[row: $0]) }
      #expect(distances[found.rows[row]] <= distances.min()! + 1e-5)
      #expect(
        abs(Double(norms[row] - 2 * found.scores[row]) - distances[found.rows[row]]) < 1e-4)
    }
  }

  /// What grouped centres miss costs next to nothing, in the case that is hardest for them: centres
  /// that have no groups.
  @Test(arguments: [100, 1500])
  func groupedCentresAreNearlyAsNear(_ count: Int) {
    let centres = random(count, 24, seed: 8)
    let x = random(3000, 24, seed: 9)
    let exact = nearestRows(of: x, among: centres)
    let grouped = GroupedCentres(centres).nearest(of: x)
    let norms = x.squaredNorms()
    for row in 0..<x.rows {
      let distance = squaredDistance(x[row: row], centres[row: grouped.rows[row]])
      #expect(abs(Double(norms[row] - 2 * grouped.scores[row]) - distance) < 1e-4)
      #expect(grouped.scores[row] <= exact.scores[row] + 1e-5)
    }
    func meanDistance(_ scores: [Float]) -> Float {
      (norms.reduce(0, +) - 2 * scores.reduce(0, +)) / Float(x.rows)
    }
    #expect(meanDistance(grouped.scores) < 1.05 * meanDistance(exact.scores))
  }

  @Test func theFirstOfEqualCentresIsNearest() {
    let c = Matrix(rows: 40, columns: 2, values: (0..<40).flatMap { _ in [Float(1), 0] })
    #expect(nearestRows(of: Matrix(rows: 1, columns: 2, values: [1, 1]), among: c).rows == [0])
  }

  @Test func clustersFarApartAreFound() {
    var generator = SplitMix64(seed: 4)
    let noise = random(400, 8, seed: 4)
    var sample = Matrix(rows: 400, columns: 8)
    for row in 0..<400 {
      for column in 0..<8 {
        let corner: Float = (row % 16) >> (column % 4) & 1 == 1 ? 10 : -10
        sample.values[row * 8 + column] = corner + noise.values[row * 8 + column]
      }
    }
    let centres = KMeans.train(sample, count: 16, using: &generator)
    let nearest = nearestRows(of: sample, among: centres).rows
    for row in 0..<400 { #expect(nearest[row] == nearest[row % 16]) }
    #expect(Set(nearest).count == 16)
  }

  @Test func noCentreIsLeftWithout() {
    var generator = SplitMix64(seed: 5)
    let sample = random(200, 6, seed: 5)
    let centres = KMeans.train(sample, count: 100, using: &generator)
    #expect(centres.rows == 100)
    #expect(centres.values.allSatisfy { $0.isFinite })
    #expect(Set(nearestRows(of: sample, among: centres).rows).count > 80)
    #expect(KMeans.train(sample, count: 300, using: &generator) == sample)
  }

  @Test func aDivisionLeavesNoSideWithLessThanAnEighth() {
    var generator = SplitMix64(seed: 6)
    var vectors = random(64, 5, seed: 6)
    // An outlier that 2-means would give a side of its own.
    for column in 0..<5 { vectors.values[column] = 1000 }
    let duplicates = Matrix(rows: 64, columns: 5, values: [Float](repeating: 1, count: 320))
    for vectors in [vectors, duplicates, vectors.rows(0..<2), vectors.rows(1..<64)] {
      let division = ListDivision(vectors, using: &generator)
      let second = division.sides.reduce(0, +)
      #expect(division.sides.count == vectors.rows)
      #expect(min(second, vectors.rows - second) * 8 >= vectors.rows)
      #expect(division.centres.values.allSatisfy { $0.isFinite })
    }
  }
}
