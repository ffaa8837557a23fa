/// What the object at the top of a captions file is, by its keys.
struct JSONOutline {
  /// An array of records.
  struct Section {
    /// Behind its opening bracket.
    let start: JSONScanner.Mark
    let kind: JSONElement.Kind
  }

  /// The arrays `images` and `annotations`, the images first; none where it has none.
  private(set) var sections: [Section] = []
  /// Whether it is the whole file and its keys are the names of pictures.
  private(set) var isMapping = false

  /// Passes over the object where the scanner stands; one that is damaged is taken for a line of JSONL,
  /// unless it has the arrays.
  init(_ scanner: JSONScanner) throws(CaptionFault) {
    var scanner = scanner
    var arrays: [String: JSONScanner.Mark] = [:]
    do throws(CaptionFault) {
      let keys = try Self.pass(&scanner, &arrays)
      // A record may have such arrays too.
      if keys == .ofRecord { arrays = [:] }
      scanner.skipWhiteSpace()
      if arrays.isEmpty {
        isMapping = keys == .ofPictures && scanner.isAtEnd
      } else if !scanner.isAtEnd {
        throw scanner.unexpected("nothing behind the end")
      }
    } catch {
      guard arrays.isEmpty else { throw error }
    }
    switch (arrays["images"], arrays["annotations"]) {
    case (let images?, let annotations?):
      sections = [
        Section(start: images, kind: .image), Section(start: annotations, kind: .annotation),
      ]
    case (let start?, nil), (nil, let start?): sections = [Section(start: start, kind: .record)]
    case (nil, nil): break
    }
  }

  private enum Keys { case ofRecord, ofPictures, other }

  /// Passes an object and collects its arrays; returns what its keys are.
  private static func pass(_ scanner: inout JSONScanner, _ arrays: inout [String: JSONScanner.Mark])
    throws(CaptionFault) -> Keys
  {
    let known = Set(CaptionFile.imageKeys + CaptionFile.captionKeys + ["sentences", "label"])
    var keys = Keys.other
    guard scanner.passes("{") else { throw scanner.unexpected("an object") }
    scanner.skipWhiteSpace()
    while !scanner.passes("}") {
      guard let key = try scanner.string() else { throw scanner.unexpected("a key") }
      if known.contains(key) { keys = .ofRecord } else if keys == .other { keys = .ofPictures }
      scanner.skipWhiteSpace()
      guard scanner.passes(":") else { throw scanner.unexpected("a colon") }
      scanner.skipWhiteSpace()
      var inside = scanner
      if ["images", "annotations"].contains(key), inside.passes("[") { arrays[key] = inside.mark }
      _ = try scanner.value()
      scanner.skipWhiteSpace()
      if scanner.passes(",") { scanner.skipWhiteSpace() }
    }
    return keys
  }
}
