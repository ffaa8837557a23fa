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

/// A file of captions: COCO's or Karpathy's JSON, JSON or JSONL of `{"image", "caption"}` with one
/// caption or a list (or with a `"label"`), CSV, TSV or Flickr30k's table with a header, or
/// Flickr8k's token file.
package struct CaptionFile {
  /// COCO's largest is 150 MB; this is a bound, not an aim.
  static let maximumBytes = 1 << 30
  /// The text encoder reads some 35 tokens; a caption of this length is no caption.
  package static let maximumCaptionBytes = 10_000

  /// The names that the column or key of a picture may have.
  static let imageKeys = [
    "image", "filename", "file_name", "path", "filepath", "image_name", "image_path",
  ]
  /// The names that the column or key of a caption may have.
  static let captionKeys = ["caption", "captions", "text", "comment"]
  static let expected =
    "expected COCO's or Karpathy's JSON, JSON or JSONL of {\"image\": …, \"caption\": …}, "
    + "CSV or TSV with a header that names the columns image and caption, or Flickr8k's token file"

  /// The records in the order of the file; of COCO's JSON, in that of its images.
  package private(set) var records: [CaptionRecord] = []
  private var notes = CaptionNotes()
  private let path: String

  /// Reads a captions file. A caption that cannot be used is left out with a warning; a file that
  /// cannot be read, or has no caption that can be used, is an error that names the line.
  package init(at path: String) throws(CaptionError) {
    self.path = path
    var bytes: [UInt8]
    do { bytes = try FileSystem.read(Array(path.utf8), limit: Self.maximumBytes).bytes } catch {
      throw CaptionError("the captions file \(path): \(error)")
    }
    do { try read(&bytes) } catch {
      let place = error.place.map { ", \($0)" } ?? ""
      throw CaptionError("the captions file \(path)\(place): \(error.reason)")
    }
  }

  /// What was left out of the file or changed, a line each.
  package var warnings: [String] { notes.warnings(of: path) }

  private mutating func read(_ bytes: inout [UInt8]) throws(CaptionFault) {
    notes.encoding = try CaptionEncoding.convertToUTF8(&bytes)
    guard let first = bytes.first(where: { !$0.isWhiteSpace }) else {
      throw CaptionFault("the file is empty; \(Self.expected)")
    }
    if first == UInt8(ascii: "[") || first == UInt8(ascii: "{") {
      try readJSON(bytes)
    } else {
      try readTable(bytes)
    }
    if let fault = notes.first, !records.contains(where: { !$0.captions.isEmpty }) {
      throw CaptionFault("\(fault.reason); no other caption can be used", at: fault.place)
    }
  }

  private mutating func readTable(_ bytes: [UInt8]) throws(CaptionFault) {
    var table = try CaptionTable(bytes)
    while let row = try table.next() {
      let place = CaptionPlace(line: row.line)
      do {
        let (name, caption) = try table.columns.pick(row.fields)
        try add([name], [caption], at: place)
      } catch {
        notes.leaveOut(error.reason, at: place)
      }
    }
  }

  private mutating func readJSON(_ bytes: [UInt8]) throws(CaptionFault) {
    var reader = try JSONRecordReader(bytes)
    var annotated = AnnotatedImages()
    while let element = try reader.next() {
      do throws(RecordFault) {
        switch element.kind {
        case .record:
          let (caption, isMended) = try JSONCaption.decode(element.bytes)
          try add(
            caption.names, caption.captions.texts, isLabel: caption.isLabel, split: caption.split,
            at: element.place)
          note(caption.captions, isMended, at: element.place)
        case .image:
          let (image, _) = try JSONImage.decode(element.bytes)
          try add(image.names, [], at: element.place)
          try annotated.add(image.id, at: records.count - 1)
        case .annotation:
          let (annotation, isMended) = try JSONAnnotation.decode(element.bytes)
          let image = try annotated.place(of: annotation.image)
          let texts = usable(annotation.captions.texts, at: element.place)
          records[image].captions += texts
          note(annotation.captions, isMended, at: element.place)
        }
      } catch {
        notes.leaveOut(error.reason, at: element.place)
      }
    }
  }

  private mutating func add(
    _ names: [String], _ captions: [String], isLabel: Bool = false, split: String? = nil,
    at place: CaptionPlace
  ) throws(RecordFault) {
    guard names.allSatisfy({ !$0.utf8.contains(0) }) else {
      throw RecordFault("a picture's name with a null character")
    }
    records.append(
      CaptionRecord(
        names: names, captions: usable(captions, at: place), isLabel: isLabel, split: split))
  }

  /// Each in one line; without those that are empty or too long, which are noted.
  private mutating func usable(_ captions: [String], at place: CaptionPlace) -> [String] {
    var usable: [String] = []
    for caption in captions.map(Self.oneLine) {
      if caption.isEmpty {
        notes.leaveOut("an empty caption", at: place)
      } else if caption.utf8.count > Self.maximumCaptionBytes {
        notes.leaveOut(
          "a caption of \(caption.utf8.count) bytes; at most \(Self.maximumCaptionBytes) are taken",
          at: place)
      } else {
        usable.append(caption)
      }
    }
    return usable
  }

  private mutating func note(_ captions: JSONTexts, _ isMended: Bool, at place: CaptionPlace) {
    for fault in captions.faults { notes.leaveOut(fault, at: place) }
    if isMended, captions.texts.contains(where: { $0.unicodeScalars.contains("\u{FFFD}") }) {
      notes.replaceSurrogates(at: place)
    }
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

/// The images of COCO's JSON by their ids.
private struct AnnotatedImages {
  private var places: [String: Int] = [:]

  /// An id is taken once.
  mutating func add(_ id: String, at place: Int) throws(RecordFault) {
    guard places[id] == nil else {
      throw RecordFault("a second image of the id \(printable(id.prefix(40)))")
    }
    places[id] = place
  }

  func place(of id: String) throws(RecordFault) -> Int {
    guard let place = places[id] else {
      throw RecordFault(
        "an annotation of the image \(printable(id.prefix(40))), which is not there")
    }
    return place
  }
}
