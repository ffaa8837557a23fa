internal import Files

/// A table of captions: CSV, TSV or Flickr30k's with a header, or rows of a picture and its caption
/// without one, such as Flickr8k's token file.
struct CaptionTable {
  let columns: CaptionColumns
  private var reader: DelimitedReader

  init(_ bytes: [UInt8]) throws(CaptionFault) {
    for delimiter in [Delimiter.tab, .comma, .pipe, .semicolon] {
      var reader = DelimitedReader(bytes, delimiter)
      guard let first = try? reader.next()?.fields else { continue }
      if let columns = CaptionColumns(header: first, delimiter) {
        (self.columns, self.reader) = (columns, reader)
        return
      }
      if let columns = CaptionColumns(firstRow: first, delimiter) {
        (self.columns, self.reader) = (columns, DelimitedReader(bytes, delimiter))
        return
      }
    }
    throw CaptionFault("no captions are known by this header; \(CaptionFile.expected)", line: 1)
  }

  /// The fields of the next row and the line where it begins; nil at the end.
  mutating func next() throws(CaptionFault) -> (fields: [[UInt8]], line: Int)? {
    try reader.next()
  }
}

/// Which columns of a table hold the picture and its caption.
struct CaptionColumns {
  private let image: Int
  private let caption: Int
  private let count: Int
  private let delimiter: Delimiter
  /// Whether names end in the number of their caption, as in `name.jpg#0`.
  private var isNumbered = false

  /// Nil where the header names no columns that are known.
  init?(header: [[UInt8]], _ delimiter: Delimiter) {
    let names = header.map {
      String(decoding: $0, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined()
        .lowercased()
    }
    guard let image = names.firstIndex(where: CaptionFile.imageKeys.contains),
      let caption = names.firstIndex(where: CaptionFile.captionKeys.contains)
    else { return nil }
    (self.image, self.caption) = (image, caption)
    count = header.count
    self.delimiter = delimiter
  }

  /// Nil where the row is not the name of a picture and a caption.
  init?(firstRow: [[UInt8]], _ delimiter: Delimiter) {
    guard firstRow.count == 2 else { return nil }
    let name = Self.withoutNumber(firstRow[0])
    let isNumbered = name.count < firstRow[0].count
    guard isNumbered || Self.isPicture(name) else { return nil }
    (image, caption, count) = (0, 1, 2)
    self.isNumbered = isNumbered
    self.delimiter = delimiter
  }

  /// The picture's name and the caption of a row.
  func pick(_ fields: [[UInt8]]) throws(RecordFault) -> (String, String) {
    var fields = fields
    if !delimiter.hasQuotes, caption == count - 1, fields.count > count {
      // Nothing can be quoted in such a table, so that the last column has what follows.
      fields[caption] = Array(fields[caption...].joined(separator: [delimiter.byte]))
      fields.removeSubrange(count...)
    }
    guard fields.count == count else {
      let advice = delimiter.hasQuotes ? "; quote a field that holds separators" : ""
      throw RecordFault("\(counted(fields.count, "field")) instead of \(count)\(advice)")
    }
    var name = fields[image]
    if isNumbered { name = Array(Self.withoutNumber(name)) }
    if delimiter.byte == Delimiter.pipe.byte {
      while name.last?.isWhiteSpace == true { name.removeLast() }
      name = Array(name.drop(while: \.isWhiteSpace))
    }
    guard let name = String(validating: name, as: UTF8.self),
      let caption = String(validating: fields[caption], as: UTF8.self)
    else { throw RecordFault("text that is not UTF-8") }
    guard !name.isEmpty else { throw RecordFault("a row without the name of a picture") }
    // Programs write a missing value so.
    guard !["NaN", "nan", "null", "NULL", "None"].contains(caption) else {
      throw RecordFault("'\(caption)' in place of a caption")
    }
    return (name, caption)
  }

  /// `name.jpg` of `name.jpg#0`.
  private static func withoutNumber(_ name: [UInt8]) -> ArraySlice<UInt8> {
    let digits = name.reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      .count
    guard digits > 0, name.count > digits + 1, name[name.count - digits - 1] == UInt8(ascii: "#")
    else { return name[...] }
    return name.dropLast(digits + 1)
  }

  private static func isPicture(_ name: ArraySlice<UInt8>) -> Bool {
    guard let dot = name.lastIndex(of: .dot) else { return false }
    let end = String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
    return [
      "jpg", "jpeg", "jfif", "png", "webp", "gif", "tif", "tiff", "bmp", "heic", "heif", "avif",
      "jp2", "jxl",
    ].contains(end)
  }
}
