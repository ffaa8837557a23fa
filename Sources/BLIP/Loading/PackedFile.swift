internal import Digests
internal import Tensors

/// The header of a file of packed parameters: 64-bit words in native byte order,
///
///     magic, bytes of the whole file, number of parameters, then for every parameter
///     its kind (0 for floats, else 1 + the format of a matrix), offset and bytes
///
/// and the SHA-256 of the key and these words. The parameters follow in the order of the part's visit,
/// each at a multiple of 64. The digest ensures that the header is complete and belongs to this key; the
/// data was on the disk before the file had its name.
struct PackedFileLayout: ParameterVisitor {
  static let magic: UInt64 = 0x0A31_6B63_6170_6C62  // "blpack1\n" where little-endian
  private static let fixedWords = 3
  static let digestBytes = 32
  /// Many times the number of parameters of any part.
  static let mostEntries = 100_000

  struct Entry: Equatable {
    let kind: UInt64
    let offset, count: Int

    static let floats: UInt64 = 0
    static func matrix(_ format: PackedFormat) -> UInt64 { 1 + UInt64(format.rawValue) }
    var format: PackedFormat? {
      kind == Self.floats ? nil : UInt8(exactly: kind - 1).flatMap(PackedFormat.init(rawValue:))
    }
  }

  let key: String
  /// Kinds and sizes; the offsets are known when all are.
  private var sizes: [(kind: UInt64, count: Int)] = []

  init(key: String) { self.key = key }

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) {
    sizes.append((Entry.floats, 4 * values.count))
  }

  mutating func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) throws {
    guard let format = matrix.format else { throw BLIPError("\(name) is not loaded") }
    sizes.append((Entry.matrix(format), matrix.packedByteCount(as: format)))
  }

  static func headBytes(entries: Int) -> Int { 8 * (fixedWords + 3 * entries) + digestBytes }

  static func digest(of words: [UInt64], key: String) -> [UInt8] {
    var digest = SHA256()
    Array(key.utf8).withUnsafeBytes { digest.update($0) }
    words.withUnsafeBytes { digest.update($0) }
    return digest.finish()
  }

  /// The kind, offset and size of every parameter.
  var entries: [Entry] {
    var end = Self.headBytes(entries: sizes.count)
    return sizes.map { kind, count in
      let offset = (end + 63) / 64 * 64
      end = offset + count
      return Entry(kind: kind, offset: offset, count: count)
    }
  }

  /// The header's bytes.
  var head: [UInt8] {
    let entries = entries
    let end = entries.last.map { $0.offset + $0.count } ?? Self.headBytes(entries: 0)
    var words = [Self.magic, UInt64(end), UInt64(entries.count)]
    for entry in entries {
      words += [entry.kind, UInt64(entry.offset), UInt64(entry.count)]
    }
    return words.withUnsafeBytes { Array($0) } + Self.digest(of: words, key: key)
  }

  /// The entries of a header, checked against its file.
  static func entries(of region: PackedRegion, key: String) throws(BLIPError) -> [Entry] {
    let damaged = BLIPError("\(region.path ?? "packed weights"): incomplete, or of another model")
    func words(_ range: Range<Int>) -> [UInt64] {
      region.withBytes(8 * range.lowerBound..<8 * range.upperBound) { bytes in
        range.indices.map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
      }
    }
    guard region.byteCount >= headBytes(entries: 0) else { throw damaged }
    let fixed = words(0..<fixedWords)
    guard fixed[0] == magic, fixed[1] == UInt64(region.byteCount), fixed[2] <= UInt64(mostEntries),
      headBytes(entries: Int(fixed[2])) <= region.byteCount
    else { throw damaged }
    let all = words(0..<fixedWords + 3 * Int(fixed[2]))
    let digest = region.withBytes(8 * all.count..<8 * all.count + digestBytes) { Array($0) }
    guard digest == Self.digest(of: all, key: key) else { throw damaged }
    var entries: [Entry] = []
    for start in stride(from: fixedWords, to: all.count, by: 3) {
      guard let offset = Int(exactly: all[start + 1]), let count = Int(exactly: all[start + 2]),
        offset <= region.byteCount, count <= region.byteCount - offset
      else { throw damaged }
      entries.append(Entry(kind: all[start], offset: offset, count: count))
    }
    return entries
  }
}

/// Reads the parameters of a part from a mapped file.
struct PackedFileReader: ParameterVisitor {
  private let region: PackedRegion
  private let entries: [PackedFileLayout.Entry]
  private var next = 0

  init(path: String, key: String) throws {
    region = try PackedRegion(mapping: path)
    entries = try PackedFileLayout.entries(of: region, key: key)
  }

  mutating func visit(_ name: String, _ shape: [Int], _ values: inout [Float]) throws {
    let count = shape.reduce(1, *)
    let entry = try entry(name)
    guard entry.kind == PackedFileLayout.Entry.floats, entry.count == 4 * count else {
      throw misfit(name)
    }
    values = region.withBytes(entry.offset..<entry.offset + entry.count) { bytes in
      [Float](unsafeUninitializedCapacity: count) { floats, initialized in
        UnsafeMutableRawBufferPointer(floats).copyMemory(from: bytes)
        initialized = count
      }
    }
  }

  mutating func visit(_ name: String, _ shape: [Int], _ matrix: inout PackedMatrix) throws {
    let entry = try entry(name)
    guard let format = entry.format, entry.count == matrix.packedByteCount(as: format) else {
      throw misfit(name)
    }
    try matrix.load(format, from: region, at: entry.offset)
  }

  /// Throws if the file has more parameters than the part.
  func end() throws(BLIPError) {
    guard next == entries.count else { throw misfit("the end") }
  }

  private mutating func entry(_ name: String) throws(BLIPError) -> PackedFileLayout.Entry {
    guard next < entries.count else { throw misfit(name) }
    defer { next += 1 }
    return entries[next]
  }

  private func misfit(_ name: String) -> BLIPError {
    BLIPError("\(region.path ?? "packed weights"): \(name) has another size")
  }
}
