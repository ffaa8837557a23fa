import Random

/// How a file is damaged.
enum Damage: String, CaseIterable {
  case noise = "random bytes (1 byte to 1 MiB)"
  case zeros = "1 to 16 pages of zeros"
  case truncation = "truncation"
  case exchange = "two pages exchanged"
  case foreign = "1 to 64 pages of another index"

  static let pageSize = 4096

  func inflict(on bytes: [UInt8], other: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    let pages = bytes.count / Self.pageSize
    func page() -> Int { Int.random(in: 0..<pages, using: &random) * Self.pageSize }
    switch self {
    case .noise:
      let size = 1 << Int.random(in: 0...20, using: &random)
      let start = Int.random(in: 0..<bytes.count, using: &random)
      for offset in start..<min(bytes.count, start + size) {
        bytes[offset] = .random(in: 0...255, using: &random)
      }
    case .zeros:
      let start = page()
      let end = start + Int.random(in: 1...16, using: &random) * Self.pageSize
      for offset in start..<min(bytes.count, end) { bytes[offset] = 0 }
    case .truncation:
      bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
    case .exchange:
      let (a, b) = (page(), page())
      for offset in 0..<Self.pageSize { bytes.swapAt(a + offset, b + offset) }
    case .foreign:
      let (start, from) = (page(), Bool.random(using: &random) ? nil : page())
      let size = (1 << Int.random(in: 0...6, using: &random)) * Self.pageSize
      for offset in 0..<size {
        let source = (from ?? start) + offset
        guard start + offset < bytes.count, source < other.count else { break }
        bytes[start + offset] = other[source]
      }
    }
    return bytes
  }
}
