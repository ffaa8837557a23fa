/// A checksum against damage, not against malice, as fast as memory is read: four lanes of 8 bytes are
/// mixed each on its own, in steps that lose nothing, so that no change of a single word is missed.
public func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
  func mixed(_ sum: UInt64, _ word: UInt64) -> UInt64 {
    let product = (sum ^ word) &* 0x9E37_79B9_7F4A_7C15
    return product ^ (product >> 32)
  }
  func word(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
  var (a, b, c, d) = (seed &+ 1, seed &+ 2, seed &+ 3, seed &+ 4)
  var offset = 0
  while offset + 32 <= bytes.count {
    a = mixed(a, word(offset))
    b = mixed(b, word(offset + 8))
    c = mixed(c, word(offset + 16))
    d = mixed(d, word(offset + 24))
    offset += 32
  }
  var sum = mixed(mixed(mixed(a, b), c), d)
  while offset + 8 <= bytes.count {
    sum = mixed(sum, word(offset))
    offset += 8
  }
  while offset < bytes.count {
    sum = mixed(sum, UInt64(bytes[offset]))
    offset += 1
  }
  return mixed(sum, UInt64(bytes.count))
}
