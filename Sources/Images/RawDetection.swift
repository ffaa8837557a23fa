/// Tells files of cameras' sensors from other files: many have TIFF's structure, and only their tags
/// differ.
enum RawDetection {
  static func isRaw(_ bytes: [UInt8]) -> Bool {
    if ownMagics.contains(where: { bytes.starts(with: $0) }) { return true }
    // Canon's CR3 and CRW.
    if bytes.dropFirst(4).starts(with: "ftypcrx ".utf8) { return true }
    if bytes.dropFirst(6).starts(with: "HEAPCCDR".utf8) { return true }
    return TIFFTags(bytes)?.areOfRaw ?? false
  }

  /// Fujifilm, Olympus, Panasonic, Sigma, Minolta.
  private static let ownMagics: [[UInt8]] = [
    Array("FUJIFILMCCD-RAW".utf8), Array("IIRO".utf8), Array("IIRS".utf8), Array("MMOR".utf8),
    [0x49, 0x49, 0x55, 0], Array("FOVb".utf8), Array("\0MRM".utf8),
  ]
}

/// The tags of the first directories of a TIFF file, as far as they tell what its pixels are.
private struct TIFFTags {
  private let bytes: [UInt8]
  private let isLittleEndian: Bool

  init?(_ bytes: [UInt8]) {
    isLittleEndian = bytes.starts(with: [0x49, 0x49, 42, 0])
    guard isLittleEndian || bytes.starts(with: [0x4D, 0x4D, 0, 42]) else { return nil }
    self.bytes = bytes
  }

  private enum Tag {
    static let compression = 259
    static let photometric = 262
    static let subdirectories = 330
    static let dngVersion = 50706
  }

  /// A colour filter array, and linear data of a sensor.
  private static let rawPhotometric: Set<Int> = [32803, 34892]
  /// Of Sony, Nikon, Samsung and Pentax.
  private static let rawCompressions: Set<Int> = [32767, 34713, 32770, 65535]

  var areOfRaw: Bool {
    // Canon's CR2.
    if bytes.count >= 10, bytes[8] == 0x43, bytes[9] == 0x52 { return true }
    guard var directory = number(at: 4, size: 4) else { return false }
    var pending: [Int] = []
    for visited in 0..<Self.mostDirectories {
      let found = scan(directory, isFirst: visited == 0)
      if found.isRaw { return true }
      pending += found.more
      guard let next = pending.popLast() else { return false }
      directory = next
    }
    return false
  }

  /// Cameras have four or so; a ring of directories has an end here.
  private static let mostDirectories = 12

  private func scan(_ directory: Int, isFirst: Bool) -> (isRaw: Bool, more: [Int]) {
    var more: [Int] = []
    guard directory > 0, let count = number(at: directory, size: 2) else { return (false, []) }
    for entry in 0..<count {
      let at = directory + 2 + entry * 12
      guard let tag = number(at: at, size: 2), let type = number(at: at + 2, size: 2),
        let values = number(at: at + 4, size: 4)
      else { return (false, more) }
      let value = number(at: at + 8, size: type == 3 ? 2 : 4) ?? 0
      switch tag {
      case Tag.dngVersion where isFirst: return (true, [])
      case Tag.photometric where Self.rawPhotometric.contains(value): return (true, [])
      case Tag.compression where Self.rawCompressions.contains(value): return (true, [])
      case Tag.subdirectories where values == 1: more.append(value)
      case Tag.subdirectories:
        for i in 0..<min(values, Self.mostDirectories) {
          if let next = number(at: value + 4 * i, size: 4) { more.append(next) }
        }
      default: break
      }
    }
    if let next = number(at: directory + 2 + count * 12, size: 4), next > 0 { more.append(next) }
    return (false, more)
  }

  private func number(at offset: Int, size: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - size else { return nil }
    let field = bytes[offset..<offset + size]
    return isLittleEndian
      ? field.reversed().reduce(0) { $0 << 8 | Int($1) } : field.reduce(0) { $0 << 8 | Int($1) }
  }
}
