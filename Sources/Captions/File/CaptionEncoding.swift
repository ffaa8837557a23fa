internal import Files

/// Brings a captions file to UTF-8, and refuses by name what is no text.
enum CaptionEncoding {
  /// Files of other kinds, by their first bytes, and what to do with them.
  private static let refused: [(signature: [UInt8], advice: String)] = [
    (Array("PAR1".utf8), parquet), (Array("PARE".utf8), parquet),
    (Array("ARROW1".utf8), arrow), (Array("FEA1".utf8), arrow),
    ([0x1F, 0x8B], "it is compressed by gzip; unpack it first (gunzip)"),
    (Array("BZh".utf8), "it is compressed by bzip2; unpack it first (bunzip2)"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "it is compressed by xz; unpack it first (unxz)"),
    ([0x28, 0xB5, 0x2F, 0xFD], "it is compressed by zstd; unpack it first (unzstd)"),
    (
      [0x50, 0x4B, 0x03, 0x04],
      "it is a ZIP archive or a spreadsheet; unpack it first, or save the sheet as CSV"
    ),
    ([0xD0, 0xCF, 0x11, 0xE0], "it is an Excel spreadsheet; save the sheet as CSV"),
    (
      Array("SQLite format 3".utf8),
      "it is an SQLite database; write the table as CSV (sqlite3 -header -csv)"
    ),
    (
      [0x89, 0x48, 0x44, 0x46], "it is an HDF5 file, which is not read; convert it to JSONL or CSV"
    ),
  ]

  private static let parquet =
    "Parquet is not read; convert it to JSONL, for example with Python's pandas: "
    + "read_parquet('FILE').to_json('captions.jsonl', orient='records', lines=True)"
  private static let arrow =
    "Arrow and Feather are not read; convert it to JSONL, for example with Python's pandas: "
    + "read_feather('FILE').to_json('captions.jsonl', orient='records', lines=True)"

  /// UTF-16 with a byte order mark is converted, the mark of UTF-8 removed. Bytes that are not UTF-8 in
  /// a file that is UTF-8 otherwise stay, and cost their records. Returns what is to be noted.
  static func convertToUTF8(_ bytes: inout [UInt8]) throws(CaptionFault) -> String? {
    if let kind = refused.first(where: { bytes.starts(with: $0.signature) }) {
      throw CaptionFault(kind.advice)
    }
    if bytes.first == 0x80, bytes.count > 1, 2...5 ~= bytes[1] {
      throw CaptionFault("it is a Python pickle, which is not read; convert it to JSONL or CSV")
    }
    if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) {
      throw CaptionFault("it is UTF-32, which is not read; \(converting("UTF-32"))")
    }
    if bytes.starts(with: [0xFF, 0xFE]) { return try convertUTF16(&bytes, bigEndian: false) }
    if bytes.starts(with: [0xFE, 0xFF]) { return try convertUTF16(&bytes, bigEndian: true) }
    try refuseNulls(bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    try refuseSingleByteText(bytes)
    return nil
  }

  static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
    do { _ = try UTF8Span(validating: bytes.span) } catch { return false }
    return true
  }

  private static func converting(_ encoding: String) -> String {
    "convert it to UTF-8: iconv -f \(encoding) -t UTF-8 FILE > NEW"
  }

  private static func convertUTF16(_ bytes: inout [UInt8], bigEndian: Bool) throws(CaptionFault)
    -> String?
  {
    guard bytes.count % 2 == 0 else {
      throw CaptionFault("it is UTF-16 and ends within a character; is it whole?")
    }
    let source = bytes
    let (high, low) = bigEndian ? (0, 1) : (1, 0)
    let units = stride(from: 2, to: source.count, by: 2).lazy.map {
      UInt16(source[$0 + high]) << 8 | UInt16(source[$0 + low])
    }
    bytes = []
    bytes.reserveCapacity(source.count)
    let isMended = transcode(
      units.makeIterator(), from: UTF16.self, to: UTF8.self, stoppingOnError: false,
      into: { bytes.append($0) })
    return isMended ? "its UTF-16 holds lone surrogates, which became U+FFFD" : nil
  }

  /// No captions file in UTF-8 holds null characters.
  private static func refuseNulls(_ bytes: [UInt8]) throws(CaptionFault) {
    let start = bytes.prefix(1024)
    guard let null = start.firstIndex(of: 0) else { return }
    // The first character of JSON or of a header is ASCII.
    if null < 2, start.indices.filter({ $0 % 2 == null && start[$0] == 0 }).count * 3 > start.count
    {
      let encoding = null == 1 ? "UTF-16LE" : "UTF-16BE"
      throw CaptionFault("it is UTF-16 without a byte order mark; \(converting(encoding))")
    }
    throw CaptionFault("it is a binary file; \(CaptionFile.expected)")
  }

  /// Refuses text whose bytes beyond ASCII are never UTF-8.
  private static func refuseSingleByteText(_ bytes: [UInt8]) throws(CaptionFault) {
    var start = 0
    var firstInvalid: Int?
    while start < bytes.count {
      let rest = bytes.span.extracting(start...)
      let invalid: Range<Int>?
      do {
        _ = try UTF8Span(validating: rest)
        invalid = nil
      } catch {
        invalid = (error.byteOffsets.lowerBound + start)..<(error.byteOffsets.upperBound + start)
      }
      let valid = start..<(invalid?.lowerBound ?? bytes.count)
      if bytes[valid].contains(where: { $0 >= 0x80 }) { return }
      guard let invalid else { break }
      // A file that was cut off within a character is UTF-8.
      if invalid.upperBound == bytes.count, firstInvalid == nil { return }
      firstInvalid = firstInvalid ?? invalid.lowerBound
      start = max(invalid.upperBound, start + 1)
    }
    guard let firstInvalid else { return }
    let line = bytes[..<firstInvalid].lazy.filter { $0 == .newline }.count + 1
    throw CaptionFault(
      "text that is not UTF-8 but looks like Latin-1 or Windows-1252; "
        + converting("WINDOWS-1252"), line: line)
  }
}
