/// Small ICC profiles, version 2, written by hand.
enum ICCProfile {
  /// A display with sRGB's primaries and a tone curve: 1 is linear, nil sRGB's own.
  static func rgb(gamma: Double?, swapped: Bool = false) -> [UInt8] {
    let primaries = [
      xyz(0.43607, 0.22249, 0.01392), xyz(0.38515, 0.71688, 0.09707),
      xyz(0.14307, 0.06061, 0.7141),
    ]
    let curve = curve(gamma)
    return profile(
      kind: "mntr", colours: "RGB ", connection: "XYZ ",
      tags: [
        ("wtpt", white), ("rXYZ", primaries[swapped ? 2 : 0]), ("gXYZ", primaries[1]),
        ("bXYZ", primaries[swapped ? 0 : 2]), ("rTRC", curve), ("gTRC", curve), ("bTRC", curve),
      ])
  }

  static func grey(gamma: Double) -> [UInt8] {
    profile(
      kind: "mntr", colours: "GRAY", connection: "XYZ ",
      tags: [("wtpt", white), ("kTRC", curve(gamma))])
  }

  /// A printer that has black ink only.
  static var blackInk: [UInt8] {
    let identity = (0..<256).map { UInt8($0) }
    var table = Array("mft1".utf8) + [0, 0, 0, 0, 4, 3, 2, 0]
    for i in 0..<9 { table += fixed(i % 4 == 0 ? 1 : 0) }
    for _ in 0..<4 { table += identity }
    // Black varies fastest; lightness, then neutral a and b.
    for i in 0..<16 { table += [i % 2 == 1 ? 0 : 255, 128, 128] }
    for _ in 0..<3 { table += identity }
    return profile(
      kind: "prtr", colours: "CMYK", connection: "Lab ", tags: [("wtpt", white), ("A2B0", table)])
  }

  private static let white = xyz(0.9642, 1, 0.8249)

  private static func xyz(_ x: Double, _ y: Double, _ z: Double) -> [UInt8] {
    Array("XYZ \0\0\0\0".utf8) + fixed(x) + fixed(y) + fixed(z)
  }

  private static func curve(_ gamma: Double?) -> [UInt8] {
    guard let gamma else {
      let values = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]
      return Array("para\0\0\0\0".utf8) + [0, 3, 0, 0] + values.flatMap(fixed)
    }
    let header = Array("curv\0\0\0\0".utf8) + bigEndian(1, 4)
    return header + bigEndian(Int(gamma * 256), 2)
  }

  private static func fixed(_ value: Double) -> [UInt8] { bigEndian(Int(value * 65536), 4) }

  private static func profile(
    kind: String, colours: String, connection: String, tags: [(name: String, body: [UInt8])]
  ) -> [UInt8] {
    var (table, data) = (bigEndian(tags.count, 4), [UInt8]())
    let start = 128 + 4 + 12 * tags.count
    for (name, body) in tags {
      table += Array(name.utf8) + bigEndian(start + data.count, 4) + bigEndian(body.count, 4)
      data += body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
    }
    var header = bigEndian(start + data.count, 4)
    header += Array("none".utf8)
    header += [2, 0x40, 0, 0]
    header += Array((kind + colours + connection).utf8) + [UInt8](repeating: 0, count: 12)
    header += Array("acsp".utf8) + [UInt8](repeating: 0, count: 28)
    header += fixed(0.9642) + fixed(1) + fixed(0.8249)
    header += [UInt8](repeating: 0, count: 128 - header.count)
    return header + table + data
  }
}

func bigEndian(_ value: Int, _ size: Int) -> [UInt8] {
  (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

func littleEndian(_ value: Int, _ size: Int) -> [UInt8] { bigEndian(value, size).reversed() }

/// A JPEG file with one more segment before the others.
func inserting(marker: UInt8, _ payload: [UInt8], intoJPEG bytes: [UInt8]) -> [UInt8] {
  Array(bytes[..<2]) + [0xFF, marker] + bigEndian(payload.count + 2, 2) + payload + bytes[2...]
}
