internal import Captions
internal import Files
internal import Store

/// The texts that a collection's pictures should have: from a captions file and, for pictures that
/// it does not cover, from sidecar files.
struct CollectionCaptions: Sendable {
  /// Longest start of a sidecar file that is looked at.
  static let maximumSidecarBytes = 4096

  /// The only root, to which names of pictures are relative; nil if there are several: then they are absolute.
  private let root: [UInt8]?
  /// Captions by the picture's name.
  private let captions: [[UInt8]: [String]]
  /// Pictures that the captions file names and the collection does not have.
  let missing: Int
  /// One of them.
  let example: String?
  /// Captions that were left out, and pictures that were found under another path: a line each.
  let warnings: [String]
  private let hasFile: Bool

  /// `file`: the captions file, if one was given. Its names count from a root of the collection or from the
  /// file's own folder; a file that names none of the pictures is an error. `roots`: resolved, with the
  /// pictures that were found in them. `inherited`: captions by location that stand where there is no file.
  init(
    file: String?, of roots: [(path: [UInt8], pictures: [FoundPicture])],
    inherited: [[UInt8]: [String]] = [:]
  ) throws(RetrievalError) {
    let root = roots.count == 1 ? roots[0].path : nil
    self.root = root
    hasFile = file != nil
    var captions: [[UInt8]: [String]] = [:]
    var missing = 0
    var example: String?
    var warnings: [String] = []
    if let file {
      let contents = try asRetrievalError { try CaptionFile(at: file) }
      let names = roots.flatMap { path, pictures in
        pictures.map { root == nil ? joined(path, $0.path) : $0.path }
      }
      let paths = Set(names)
      let places = CaptionPathResolver(roots: roots.map(\.path), file: file)
      var finder = CaptionPictureFinder(places, records: contents.records, pictures: { names })
      for record in contents.records {
        let named = places.paths(of: record).first(where: paths.contains)
        if let path = named ?? finder.path(of: record) {
          captions[path, default: []] += record.captions
        } else {
          missing += 1
          example = example ?? record.names.first
        }
      }
      warnings = contents.warnings + [finder.warning(of: file)].compactMap(\.self)
    } else {
      for (location, texts) in inherited { captions[Self.name(of: location, in: root)] = texts }
    }
    if let file, let example, captions.isEmpty {
      throw RetrievalError(
        "the captions file \(file) names no picture of "
          + "\(roots.map { printable($0.path) }.joined(separator: ", ")) (it has, for example,"
          + " \(printable(Array(example.utf8)))); its names count from there or from the file's own"
          + " folder")
    }
    // A picture whose captions could not be used may have a sidecar file.
    self.captions = captions.filter { !$0.value.isEmpty }
    self.warnings = warnings
    self.missing = missing
    self.example = example
  }

  private static func name(of location: [UInt8], in root: [UInt8]?) -> [UInt8] {
    root.flatMap { relative(location, to: $0) } ?? location
  }

  /// The texts that a picture should have, where they differ from those that the index holds; nil
  /// where they do not. A sidecar file that is no text is an error for a warning.
  ///
  /// Without a captions file, captions that an earlier one gave stand, before any sidecar. Synthetic
  /// ones always stand.
  /// - Parameter location: Where the picture lies.
  func changedTexts(
    ofPictureAt location: [UInt8], hasSidecar: Bool, stored: [TextRecord], id: UInt64
  ) throws(RetrievalError) -> [TextRecord]? {
    var wanted: [String] = []
    var source = TextSource.captions
    if let captions = captions[Self.name(of: location, in: root)] {
      wanted = captions
    } else if !hasFile, stored.contains(where: { $0.source == .captions }) {
      return nil
    } else if hasSidecar, let text = try sidecar(of: location) {
      wanted = [text]
      source = .sidecar
    }
    let records =
      wanted.map { TextRecord(text: $0, picture: id, source: source) }
      + stored.filter(\.source.isSynthetic)
    return records == stored ? nil : records
  }

  private func sidecar(of picture: [UInt8]) throws(RetrievalError) -> String? {
    let path = Sidecar.path(of: picture)
    let name = printable(Self.name(of: path, in: root))
    var bytes: [UInt8]
    do {
      bytes = try FileSystem.read(path, limit: Self.maximumSidecarBytes, truncate: true).bytes
    } catch { throw RetrievalError("\(name): \(error)") }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    let line = bytes.drop(while: \.isWhiteSpace).prefix { $0 != .newline }
    guard let text = String(validating: Self.whole(line), as: UTF8.self) else {
      throw RetrievalError("\(name): its first line is not UTF-8; it is left out")
    }
    let trimmed = CaptionFile.oneLine(text)
    return trimmed.isEmpty ? nil : trimmed
  }

  /// Without the beginning of a character that the bound on bytes cut off.
  private static func whole(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard line.count >= maximumSidecarBytes - 3,
      let lead = line.lastIndex(where: { $0 & 0xC0 != 0x80 }), line[lead] >= 0xC0
    else { return line }
    let length = line[lead] >= 0xF0 ? 4 : line[lead] >= 0xE0 ? 3 : 2
    return line.endIndex - lead < length ? line[..<lead] : line
  }
}
