import Tensors
import TestSupport
import Testing

@testable import Training

/// In-batch negatives for ITM.
@Suite struct HardNegativesTests {
  /// How often each column is drawn for row 0 over many steps.
  private func frequencies(
    _ negatives: HardNegatives, _ similarities: Matrix, _ pictures: [Int32]
  ) throws -> [Double] {
    var counts = [Double](repeating: 0, count: pictures.count)
    let random = CounterRandom(key: 3)
    for step in 0..<4000 {
      counts[
        try negatives.draw(similarities, pictures: pictures, random: random.part(step))[0]] +=
        1 / 4000
    }
    return counts
  }

  private let similarities = Matrix(
    rows: 4, columns: 4, values: [9, 2, 1, 0] + [Float](repeating: 0, count: 12))

  @Test func hardOnesAreDrawnByTheirSoftmax() throws {
    let frequencies = try frequencies(HardNegatives(), similarities, [0, 1, 2, 3])
    #expect(frequencies[0] == 0)
    // e², e and 1, over their sum.
    for (frequency, expected) in zip(frequencies.dropFirst(), [0.665, 0.245, 0.090]) {
      #expect(abs(frequency - expected) < 0.03)
    }
  }

  @Test func withoutHardnessAllOthersAreAsLikely() throws {
    let frequencies = try frequencies(
      HardNegatives(floor: 1e-4, hardness: 0), similarities, [0, 1, 2, 3])
    #expect(frequencies[0] == 0)
    for frequency in frequencies.dropFirst() { #expect(abs(frequency - 1 / 3) < 0.03) }
  }

  @Test func hardnessMixesTheTwo() throws {
    let frequencies = try frequencies(
      HardNegatives(hardness: 0.5), similarities, [0, 1, 2, 3])
    for (frequency, hard) in zip(frequencies.dropFirst(), [0.665, 0.245, 0.090]) {
      #expect(abs(frequency - (hard + 1 / 3) / 2) < 0.03)
    }
  }

  @Test(arguments: [0, 0.5, 1], [0, 1e-4]) func neverTheSamePicture(
    hardness: Double, floor: Double
  ) throws {
    // Captions of one picture are most alike, as far as the lowest temperature takes them.
    let pictures: [Int32] = [7, 7, 3, 7, 3, 9]
    var similarities = Matrix(rows: 6, columns: 6)
    for row in 0..<6 {
      for column in 0..<6 {
        similarities.values[row * 6 + column] = pictures[row] == pictures[column] ? 1000 : -1000
      }
    }
    let negatives = HardNegatives(floor: floor, hardness: hardness)
    for step in 0..<100 {
      let drawn = try negatives.draw(
        similarities, pictures: pictures, random: CounterRandom(key: 1).part(step))
      for (row, column) in drawn.enumerated() { #expect(pictures[row] != pictures[column]) }
    }
  }

  @Test func drawsAreAFunctionOfSeedAndStep() throws {
    let similarities = Matrix(rows: 40, columns: 40)
    let pictures = (0..<40).map(Int32.init)
    func draw(_ key: UInt64, _ step: Int) throws -> [Int] {
      try HardNegatives().draw(
        similarities, pictures: pictures, random: CounterRandom(key: key).part(step))
    }
    #expect(try draw(1, 5) == draw(1, 5))
    #expect(try draw(1, 5) != draw(1, 6))
    #expect(try draw(1, 5) != draw(2, 5))
  }

  @Test func aBatchOfOnePictureIsRefused() {
    #expect(throws: TrainingError.self) {
      try HardNegatives().draw(
        Matrix(rows: 2, columns: 2), pictures: [4, 4], random: CounterRandom(key: 1))
    }
  }
}
