import LMDB
import TestSupport
import Testing

@Suite struct TableTests {
  private let environment: Environment
  private let bytes: Table<RawBytes, RawBytes>
  private let numbers: Numbers

  init() throws {
    environment = try Environment(TemporaryFolder().path, access: .readWrite)
    (bytes, numbers) = try environment.write { transaction in
      (
        try Table(opening: "bytes", in: transaction, create: true),
        try Table(opening: "numbers", in: transaction, create: true)
      )
    }
  }

  @Test(arguments: [0, 1, 100, 4096, 1_000_003])
  func storesValuesOfAnyLength(_ count: Int) throws {
    let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try environment.write { try bytes.put([1], value, in: $0) }
    let found = try environment.read { try bytes.get([1], in: $0) }
    #expect(found == value)
    let viewed = try environment.read { try bytes.bytes([1], in: $0) { $0.byteCount } }
    #expect(viewed == count)
    // Pages returned to the system are read again from the file, repeatedly, as are neighbouring
    // ones.
    try environment.write { try bytes.put([2], [1, 2, 3], in: $0) }
    for _ in 0..<3 {
      try environment.read { snapshot in
        let once = try bytes.bytesOnce([1], in: snapshot) { $0.withUnsafeBytes { Array($0) } }
        #expect(once == value)
        #expect(try bytes.get([2], in: snapshot) == [1, 2, 3])
      }
    }
  }

  @Test func acceptsKeysOf1To511Bytes() throws {
    try environment.write { transaction in
      try bytes.put(Array(repeating: 1, count: 511), [], in: transaction)
      for count in [0, 512] {
        let key = [UInt8](repeating: 1, count: count)
        #expect { try bytes.put(key, [], in: transaction) } throws: {
          ResultCode.badValueSize ~= $0
        }
      }
    }
  }

  @Test func keysSortNumericallyAndRangesIncludeTheirEnds() throws {
    let keys: [UInt64] = [0, 1, 255, 256, 65_535, 65_536, 1 << 40, .max]
    try environment.write { transaction in
      for key in keys.reversed() { try numbers.put(key, key, in: transaction) }
    }
    func found(from lower: UInt64?, through upper: UInt64?) throws -> [UInt64] {
      var keys: [UInt64] = []
      try environment.read { transaction in
        try numbers.forEach(in: transaction, from: lower, through: upper) { key, value in
          #expect(key == value)
          keys.append(key)
        }
      }
      return keys
    }
    #expect(try found(from: nil, through: nil) == keys)
    #expect(try found(from: 255, through: 65_536) == [255, 256, 65_535, 65_536])
    #expect(try found(from: 2, through: 254) == [])
    #expect(try found(from: 1 << 40, through: nil) == [1 << 40, .max])
    #expect(try found(from: nil, through: 0) == [0])
  }

  @Test func putReplacesDeleteReportsAndAppendRequiresTheGreatestKey() throws {
    try environment.write { transaction in
      try numbers.put(5, 1, in: transaction)
      try numbers.put(5, 2, in: transaction)
      #expect(try numbers.get(5, in: transaction) == 2)
      #expect { try numbers.append(4, 1, in: transaction) } throws: { ResultCode.keyExists ~= $0 }
      try numbers.append(6, 3, in: transaction)
      #expect(try numbers.contains(6, in: transaction))
      #expect(try numbers.delete(5, in: transaction))
      #expect(try !numbers.delete(5, in: transaction))
      #expect(try numbers.get(5, in: transaction) == nil)
    }
  }

  @Test func statisticsCountEntriesAndPages() throws {
    try environment.write { transaction in
      let empty = try bytes.statistics(in: transaction)
      #expect(empty.entries == 0 && empty.bytes == 0)
      for key in 0..<UInt8(10) {
        try bytes.put([key], Array(repeating: 0, count: 100_000), in: transaction)
      }
      let statistics = try bytes.statistics(in: transaction)
      #expect(statistics.entries == 10)
      #expect((1_000_000...1_100_000).contains(statistics.bytes))
    }
  }

  @Test func malformedBytesAreAnErrorThatNamesTheTable() throws {
    try environment.write { transaction in
      let raw = try Table<RawBytes, RawBytes>(opening: "numbers", in: transaction)
      try raw.put([0, 0, 0, 0, 0, 0, 0, 1], [1, 2, 3], in: transaction)
      #expect { try numbers.get(1, in: transaction) } throws: {
        ResultCode.corrupted ~= $0 && "\($0)".contains("table numbers")
      }
      try raw.put([1, 2], Array(repeating: 0, count: 8), in: transaction)
      #expect { try numbers.forEach(in: transaction, from: 2) { _, _ in } } throws: {
        ResultCode.corrupted ~= $0
      }
    }
  }

  @Test(arguments: [0, 1, 0x0102_0304_0506_0708, UInt64.max])
  func codecsAreInverses(_ number: UInt64) throws {
    let big = BigEndianUInt64.encode(number)
    #expect(try BigEndianUInt64.decode(big.span.bytes) == number)
    #expect(big == LittleEndianUInt64.encode(number).reversed())
    let little = LittleEndianUInt64.encode(number)
    #expect(try LittleEndianUInt64.decode(little.span.bytes) == number)
    let text = UTF8Text.encode("naïve \(number) 🐕")
    #expect(try UTF8Text.decode(text.span.bytes) == "naïve \(number) 🐕")
    #expect(throws: MalformedBytes.self) { try UTF8Text.decode(([0xFF] as [UInt8]).span.bytes) }
    #expect(throws: MalformedBytes.self) { try NoBytes.decode(big.span.bytes) }
  }
}
