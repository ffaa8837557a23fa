internal import Files

/// Captions of one picture, as a captions file gives them.
package struct CaptionRecord: Equatable {
  /// The names that the picture may go by, the likeliest first.
  package var names: [String]
  /// What is said of it, each in one line.
  package var captions: [String]
  /// Whether the only caption is the name of what the picture shows ("label": "daisy").
  package var isLabel = false
  /// The part of the set that the picture belongs to, where the file says (Karpathy's `split`).
  package var split: String?
}

/// A file of captions: JSON or JSONL of `{"image", "caption"}` with one caption or a list (or with a
/// `"label"`), Karpathy's
/// JSON, or CSV or TSV with a header.
package enum CaptionFile {
  /// COCO's largest is 150 MB; this is a bound, not an aim.
  static let maximumBytes = 1 << 30
  /// The text encoder reads some 35 tokens; a caption of this length is no caption.
  package static let maximumCaptionBytes = 10_000

  /// The names that the column or key of a picture may have.
  static let imageKeys = ["image", "filename", "file_name", "path", "filepath"]
  /// The names that the column or key of a caption may have.
  static let captionKeys = ["caption", "captions", "text"]
  static let expected =
    "expected JSON or JSONL of {\"image\": …, \"caption\": …}, Karpathy's JSON, "
    + "or CSV or TSV with a header that names the columns image and caption"

  /// The records of a captions file. What is wrong with it is told with its line.
  package static func records(at path: String) throws(CaptionError) -> [CaptionRecord] {
    var bytes: [UInt8]
    do { bytes = try FileSystem.read(Array(path.utf8), limit: maximumBytes).bytes } catch {
      throw CaptionError("the captions file \(path): \(error)")
    }
    do { return try records(of: &bytes, isTabbed: path.lowercased().hasSuffix(".tsv")) } catch {
      let place = error.line.map { ", line \($0)" } ?? ""
      throw CaptionError("the captions file \(path)\(place): \(error.reason)")
    }
  }

  private static func records(of bytes: inout [UInt8], isTabbed: Bool) throws(CaptionFault)
    -> [CaptionRecord]
  {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    guard let first = bytes.first(where: { !$0.isWhiteSpace }) else {
      throw CaptionFault(nil, "the file is empty; \(expected)")
    }
    var records: [CaptionRecord] = []
    func take(
      _ names: [String], _ captions: [String], isLabel: Bool = false, split: String? = nil,
      line: Int
    ) throws(CaptionFault) {
      let captions = captions.map(oneLine).filter { !$0.isEmpty }
      if let long = captions.first(where: { $0.utf8.count > maximumCaptionBytes }) {
        throw CaptionFault(
          line, "a caption of \(long.utf8.count) bytes; at most \(maximumCaptionBytes) are taken")
      }
      records.append(
        CaptionRecord(names: names, captions: captions, isLabel: isLabel, split: split))
    }
    if first == UInt8(ascii: "[") || first == UInt8(ascii: "{") {
      var reader = JSONRecordReader(bytes)
      while let record = try reader.next() {
        let caption = try JSONCaption(record.bytes, line: record.line)
        try take(
          caption.names, caption.captions, isLabel: caption.isLabel, split: caption.split,
          line: record.line)
      }
    } else {
      var reader = DelimitedReader(bytes, isTabbed: isTabbed)
      let columns = try CaptionColumns(header: try reader.next()?.fields ?? [])
      while let row = try reader.next() {
        let (name, caption) = try columns.pick(row.fields, line: row.line)
        try take([name], [caption], line: row.line)
      }
    }
    return records
  }

  /// Runs of white space, line ends too, become one space; none at the ends.
  package static func oneLine(_ text: String) -> String {
    // Unicode's idea of white space costs a table look-up a character; most captions are ASCII.
    guard !text.utf8.allSatisfy({ $0 < 0x80 }) else {
      var line: [UInt8] = []
      line.reserveCapacity(text.utf8.count)
      for byte in text.utf8 {
        if !(byte.isWhiteSpace || byte == 0x0B || byte == 0x0C) {
          line.append(byte)
        } else if let last = line.last, last != 0x20 {
          line.append(0x20)
        }
      }
      if line.last == 0x20 { line.removeLast() }
      return String(decoding: line, as: UTF8.self)
    }
    return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

/// Why captions could not be read; the text names the file and says what to do.
public struct CaptionError: Error, Equatable, CustomStringConvertible {
  /// One line.
  public let description: String

  /// An error of one line.
  package init(_ description: String) { self.description = description }
}

/// What is wrong with a captions file, and in which line where that is known.
struct CaptionFault: Error {
  let line: Int?
  let reason: String

  init(_ line: Int?, _ reason: String) {
    self.line = line
    self.reason = reason
  }
}
