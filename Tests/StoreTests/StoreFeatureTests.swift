import LMDB
import StoreTestSupport
import Tensors
import Testing

@testable import Store

@Suite struct FeaturesOfAStore {
  private typealias Fixture = StoreFixture

  private func roundTrip(_ features: Matrix, as precision: FeaturePrecision) throws -> Matrix? {
    let fixture = try Fixture(features: precision)
    let id = try fixture.store.write {
      try $0.put(Fixture.record("a"), embedding: Fixture.embedding(1), features: features)
    }
    return try fixture.store.read { try $0.features(picture: id) }
  }

  @Test func keepEightBitsOfTheMantissaInBF16() throws {
    let features = Fixture.features(1)
    let found = try #require(try roundTrip(features, as: .bf16))
    #expect((found.rows, found.columns) == (3, 5))
    for (value, original) in zip(found.values, features.values) {
      #expect(abs(value - original) <= abs(original) / 256)
      #expect(value.bitPattern & 0xFFFF == 0)
    }
    #expect(try roundTrip(found, as: .bf16) == found)
    // Ties go to the even neighbour.
    var ties = Matrix(rows: 3, columns: 5)
    ties.values[0] = Float(bitPattern: 0x3F80_8000)
    ties.values[1] = Float(bitPattern: 0x3F81_8000)
    let even = try #require(try roundTrip(ties, as: .bf16)).values
    #expect(even[0].bitPattern == 0x3F80_0000 && even[1].bitPattern == 0x3F82_0000)
  }

  @Test func areWithinHalfAStepInInt8() throws {
    var features = Fixture.features(2)
    for column in 0..<5 { features.values[column] = 0 }
    let found = try #require(try roundTrip(features, as: .int8))
    #expect(found.values.prefix(5).allSatisfy { $0 == 0 })
    for row in 1..<3 {
      let original = features.values[row * 5..<row * 5 + 5]
      let step = try #require(original.map(abs).max()) / 127
      for (value, number) in zip(found.values[row * 5..<row * 5 + 5], original) {
        #expect(abs(value - number) <= step * 0.5001)
      }
    }
  }

  @Test(arguments: [FeaturePrecision.bf16, .int8])
  func areRefusedWhereTheyAreNotOfTheIndex(_ precision: FeaturePrecision) throws {
    var infinite = Fixture.features(1)
    infinite.values[7] = .infinity
    var notANumber = Fixture.features(1)
    notANumber.values[0] = .nan
    for features in [
      infinite, notANumber, Matrix(rows: 5, columns: 3), Matrix(rows: 3, columns: 6),
    ] {
      #expect(throws: RetrievalError.self) { try roundTrip(features, as: precision) }
    }
  }

  @Test func areRefusedWhereTheIndexStoresNone() throws {
    #expect(throws: RetrievalError.self) { try roundTrip(Fixture.features(1), as: .none) }
  }
}
