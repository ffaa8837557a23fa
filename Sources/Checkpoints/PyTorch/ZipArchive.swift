/// The entries of a zip file (PKWARE's APPNOTE 6.3.10), with or without ZIP64, as listed in its
/// central directory. All numbers are validated before use: the directory and each entry's header
/// and data are inside the file, no entries overlap, and names are unique. Nothing is decompressed:
/// a compressed entry is listed without data.
struct ZipArchive {
  /// The range of each entry's bytes in the file; nil if they are compressed or encrypted.
  let entries: [String: Range<Int>?]

  /// The first bytes of every non-empty zip file.
  static let signature: [UInt8] = [0x50, 0x4B, 3, 4]
  private static let longestDirectory = 64 << 20

  init(_ file: MappedFile) throws(CheckpointError) {
    let directory = try Directory(file)
    var entries: [String: Range<Int>?] = [:]
    var extents: [Range<Int>] = []
    var place = directory.range.lowerBound
    for _ in 0..<directory.count {
      let header = try CentralHeader(file, at: place, before: directory.range.upperBound)
      place = header.end
      let (extent, data) = try header.entry(in: file, before: directory.range.lowerBound)
      guard entries.updateValue(data, forKey: header.name) == nil else {
        throw damaged(file, "two entries have the same name")
      }
      extents.append(extent)
    }
    extents.sort { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
    guard zip(extents, extents.dropFirst()).allSatisfy({ $0.upperBound <= $1.lowerBound }) else {
      throw damaged(file, "two entries overlap")
    }
    self.entries = entries
  }

  /// The range of the central directory and its number of entries.
  private struct Directory {
    let range: Range<Int>
    let count: Int

    init(_ file: MappedFile) throws(CheckpointError) {
      let end = try Self.end(of: file)
      var count = try file.number(UInt16.self, at: end + 10)
      var size = try file.number(UInt32.self, at: end + 12)
      var start = try file.number(UInt32.self, at: end + 16)
      var limit = end
      if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
        // ZIP64: a locator before the end record gives the offset of the 64-bit numbers.
        guard end >= 20, try file.number(UInt32.self, at: end - 20) == 0x0706_4B50 else {
          throw damaged(file, "it has no ZIP64 directory")
        }
        limit = try file.number(UInt64.self, at: end - 12)
        guard limit < end - 20, try file.number(UInt32.self, at: limit) == 0x0606_4B50 else {
          throw damaged(file, "its ZIP64 directory is not at the given offset")
        }
        count = try file.number(UInt64.self, at: limit + 32)
        size = try file.number(UInt64.self, at: limit + 40)
        start = try file.number(UInt64.self, at: limit + 48)
      }
      // Subtract, because a sum may overflow.
      guard size <= ZipArchive.longestDirectory, size <= limit, start <= limit - size,
        count <= size / CentralHeader.length
      else { throw damaged(file, "its directory is outside the file") }
      self.count = count
      range = start..<start + size
    }

    /// The end record: the last one whose comment ends at the end of the file.
    private static func end(of file: MappedFile) throws(CheckpointError) -> Int {
      let length = 22
      let earliest = max(0, file.count - length - 0xFFFF)
      for place in stride(from: file.count - length, through: earliest, by: -1)
      where try file.number(UInt32.self, at: place) == 0x0605_4B50 {
        if try place + length + file.number(UInt16.self, at: place + 20) == file.count {
          return place
        }
      }
      throw damaged(file, "it has no end record; is the file complete?")
    }
  }
}

/// A header of the central directory.
private struct CentralHeader {
  /// The length of the header before the name, in bytes.
  static let length = 46

  let name: String
  /// The end of the header.
  let end: Int
  private let isPlain: Bool
  private let compressed, size, start: Int

  init(_ file: MappedFile, at place: Int, before limit: Int) throws(CheckpointError) {
    guard place <= limit - Self.length, try file.number(UInt32.self, at: place) == 0x0201_4B50
    else { throw damaged(file, "its directory is truncated") }
    let flags = try file.number(UInt16.self, at: place + 8)
    let method = try file.number(UInt16.self, at: place + 10)
    let nameEnd = try place + Self.length + file.number(UInt16.self, at: place + 28)
    let extraEnd = try nameEnd + file.number(UInt16.self, at: place + 30)
    end = try extraEnd + file.number(UInt16.self, at: place + 32)
    guard end <= limit else { throw damaged(file, "its directory is truncated") }
    name = try file.text(place + Self.length..<nameEnd)
    isPlain = flags & 1 == 0 && method == 0

    // Numbers too large for their field are in extra field 1, in this order.
    var wide = try Self.wideNumbers(file, nameEnd..<extraEnd)
    func number(at offset: Int) throws(CheckpointError) -> Int {
      let number = try file.number(UInt32.self, at: place + offset)
      guard number == 0xFFFF_FFFF, let first = wide.first else { return number }
      wide = wide.dropFirst()
      return first
    }
    size = try number(at: 24)
    compressed = try number(at: 20)
    start = try number(at: 42)
  }

  private static func wideNumbers(
    _ file: MappedFile, _ extra: Range<Int>
  ) throws(CheckpointError) -> ArraySlice<Int> {
    var place = extra.lowerBound
    while place <= extra.upperBound - 4 {
      let id = try file.number(UInt16.self, at: place)
      let end = try place + 4 + file.number(UInt16.self, at: place + 2)
      guard end <= extra.upperBound else { break }
      if id == 1 {
        var numbers: ArraySlice<Int> = []
        for field in 0..<min(3, (end - place - 4) / 8) {
          numbers.append(try file.number(UInt64.self, at: place + 4 + 8 * field))
        }
        return numbers
      }
      place = end
    }
    return []
  }

  /// The range of the entry with its header, and the range of its data unless compressed or
  /// encrypted.
  func entry(
    in file: MappedFile, before limit: Int
  ) throws(CheckpointError) -> (extent: Range<Int>, data: Range<Int>?) {
    let length = 30
    guard limit >= length, start <= limit - length,
      try file.number(UInt32.self, at: start) == 0x0403_4B50
    else { throw damaged(file, "an entry is not at the given offset") }
    let nameEnd = try start + length + file.number(UInt16.self, at: start + 26)
    let data = try nameEnd + file.number(UInt16.self, at: start + 28)
    guard data <= limit, compressed <= limit - data, !isPlain || compressed == size else {
      throw damaged(file, "an entry is outside the file")
    }
    guard try file.text(start + length..<nameEnd) == name else {
      throw damaged(file, "an entry's name differs from that in the directory")
    }
    return (start..<data + compressed, isPlain ? data..<data + compressed : nil)
  }
}

private func damaged(_ file: MappedFile, _ reason: String) -> CheckpointError {
  CheckpointError("\(file.path): damaged zip file: \(reason); fetch it again")
}

extension MappedFile {
  /// The little-endian number at an offset; throws if it is outside the file.
  fileprivate func number<Number: FixedWidthInteger & UnsignedInteger>(
    _ type: Number.Type, at offset: Int
  ) throws(CheckpointError) -> Int {
    let size = MemoryLayout<Number>.size
    guard offset >= 0, size <= count, offset <= count - size else {
      throw damaged(self, "it is truncated")
    }
    let number = withBytes(offset..<offset + size) {
      Number(littleEndian: $0.loadUnaligned(as: Number.self))
    }
    guard let number = Int(exactly: number) else { throw damaged(self, "a number is too large") }
    return number
  }

  fileprivate func text(_ range: Range<Int>) throws(CheckpointError) -> String {
    guard range.upperBound <= count,
      let text = withBytes(range, { String(validating: $0, as: UTF8.self) })
    else { throw damaged(self, "the name of an entry is not UTF-8") }
    return text
  }
}
