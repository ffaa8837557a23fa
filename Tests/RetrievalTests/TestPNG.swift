/// PNG files made on the spot: what they show follows from a seed.
enum TestPNG {
  /// A picture of coloured bands and blocks.
  static func picture(seed: Int, side: Int = 24) -> [UInt8] {
    var rows: [UInt8] = []
    for y in 0..<side {
      rows.append(0)
      for x in 0..<side {
        let block = (x / 6 + seed) * (y / (2 + seed % 5) + 3 * seed)
        rows += [
          UInt8(truncatingIfNeeded: 37 * seed + 5 * x), UInt8(truncatingIfNeeded: 61 * block),
          UInt8(truncatingIfNeeded: 11 * seed * seed + 7 * y),
        ]
      }
    }
    return file(width: side, height: side, data: zlib(rows))
  }

  /// The header of a picture that nobody should allocate.
  static func header(width: Int, height: Int) -> [UInt8] {
    file(width: width, height: height, data: zlib([0]))
  }

  private static func file(width: Int, height: Int, data: [UInt8]) -> [UInt8] {
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    file += chunk("IHDR", bytes(UInt32(width)) + bytes(UInt32(height)) + [8, 2, 0, 0, 0])
    file += chunk("IDAT", data)
    file += chunk("IEND", [])
    return file
  }

  private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let named = Array(name.utf8) + data
    return bytes(UInt32(data.count)) + named + bytes(crc32(named))
  }

  /// One stored block of deflate.
  private static func zlib(_ data: [UInt8]) -> [UInt8] {
    let count = UInt16(data.count)
    let low = [UInt8(count & 255), UInt8(count >> 8)]
    let high = low.map { ~$0 }
    var (a, b) = (UInt32(1), UInt32(0))
    for byte in data {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    let start: [UInt8] = [0x78, 0x01, 0x01]
    return start + low + high + data + bytes(b << 16 | a)
  }

  private static func crc32(_ data: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in data {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
