internal import BLIP
internal import Digests
internal import Files
internal import Glibc

/// The logits of scored pairs on disk, so that an interrupted run resumes.
///
/// A file belongs to one model, precision and captioned set: its key. After the header a record for each
/// group of pairs of a picture: picture u32, count u32, then count × (text u32, two logits f32), then 8
/// bytes of SHA-256 of all that; little-endian. An incomplete record at the end, left by a run that was
/// killed, is cut off.
final class PairJournal {
  private static let magic = Array("blipjrn1".utf8)
  private static let checksumSize = 8
  private static let pairSize = 12

  private let path: String
  private let descriptor: Int32

  /// A pair's text and logits.
  struct Pair: Sendable {
    let text: Int
    let logits: MatchLogits
  }

  /// Opens the journal of a key (32 bytes), or starts it, and passes its records to `take`.
  /// - Parameters:
  ///   - pictures: Number of pictures; a record of another one is invalid.
  ///   - texts: Number of texts.
  init(
    _ path: String, key: [UInt8], pictures: Int, texts: Int, take: (Int, [Pair]) -> Void
  ) throws(PathError) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path) }
    let isOurs: Bool
    do throws(FileError) { isOurs = try FileSystem.lock(descriptor) } catch {
      throw PathError(path, "\(error)")
    }
    guard isOurs else {
      throw PathError(
        path, "another run is using it; wait for its end, or use another work directory")
    }
    let header = Self.magic + key
    let file = try InputFile(path)
    guard file.size >= header.count else {
      try restart(with: header)
      return
    }
    guard try file.read(0..<header.count) == header else {
      throw PathError(path, "invalid; delete it, or use another work directory")
    }
    var end = header.count
    while let (picture, pairs, next) = try Self.record(
      of: file, at: end, pictures: pictures, texts: texts)
    {
      take(picture, pairs)
      end = next
    }
    guard ftruncate(descriptor, off_t(end)) == 0 else { throw Self.failure(path) }
  }

  deinit { close(descriptor) }

  /// Appends the pairs of a picture.
  func append(_ pairs: [Pair], of picture: Int) throws(PathError) {
    var bytes: [UInt8] = []
    func put(_ number: UInt32) { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
    put(UInt32(picture))
    put(UInt32(pairs.count))
    for pair in pairs {
      put(UInt32(pair.text))
      put(pair.logits.noMatch.bitPattern)
      put(pair.logits.match.bitPattern)
    }
    try write(bytes + SHA256.digest(of: bytes).prefix(Self.checksumSize))
  }

  private func restart(with header: [UInt8]) throws(PathError) {
    guard ftruncate(descriptor, 0) == 0 else { throw Self.failure(path) }
    try write(header)
  }

  private func write(_ bytes: [UInt8]) throws(PathError) {
    do throws(FileError) { try FileSystem.write(bytes, to: descriptor) } catch {
      throw PathError(path, "\(error); use another work directory")
    }
  }

  /// The record at an offset and the offset of the next one; nil if there is no complete one.
  private static func record(
    of file: InputFile, at start: Int, pictures: Int, texts: Int
  ) throws(PathError) -> (picture: Int, pairs: [Pair], next: Int)? {
    guard file.size - start >= 8 else { return nil }
    let head = try file.read(start..<start + 8)
    let (picture, count) = (Int(word(head, 0)), Int(word(head, 4)))
    guard picture < pictures, count <= texts else { return nil }
    let end = start + 8 + count * pairSize
    guard end + checksumSize <= file.size else { return nil }
    let bytes = try file.read(start..<end)
    guard try file.read(end..<end + checksumSize) == Array(SHA256.digest(of: bytes).prefix(8))
    else {
      return nil
    }
    var pairs: [Pair] = []
    for place in stride(from: 8, to: bytes.count, by: pairSize) {
      let logits = MatchLogits(
        noMatch: Float(bitPattern: word(bytes, place + 4)),
        match: Float(bitPattern: word(bytes, place + 8)))
      let text = Int(word(bytes, place))
      guard text < texts, logits.match.isFinite, logits.noMatch.isFinite else { return nil }
      pairs.append(Pair(text: text, logits: logits))
    }
    return (picture, pairs, end + checksumSize)
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * $1) }
  }

  private static func failure(_ path: String) -> PathError {
    PathError(path, "\(String(cString: strerror(errno))); use another work directory")
  }
}
