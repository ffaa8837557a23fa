internal import Files

/// The captioned pictures of a set that a model is measured on, in the order of its file.
public struct CaptionedSet: Sendable {
  /// A picture and what is said of it.
  public struct Picture: Sendable, Equatable {
    /// Relative to the folder of the pictures.
    public let path: [UInt8]
    /// One at least.
    public fileprivate(set) var captions: [String]
  }

  /// The captions file.
  public let file: String
  /// The folder of the pictures: absolute, without symbolic links.
  public let root: [UInt8]
  /// The part of the file that was taken; nil for a file that has no parts.
  public let split: String?
  /// The pictures, each once, with all their captions.
  public let pictures: [Picture]
  /// Captions that were left out, and pictures that were found under another path than the file has: a
  /// line each.
  public let warnings: [String]

  /// Reads a captions file whose names count from the folder `images`, or from the file's own folder.
  ///
  /// Of a file with parts (Karpathy's `split`) `split` is taken, or `test`. A picture that is named and
  /// is not there is an error: without it, recall would be that of another set.
  public init(captions file: String, images: String, split: String? = nil) throws {
    let root = try resolvedFolder(images)
    (self.file, self.root) = (file, root)
    let captions = try CaptionFile(at: file)
    let records = captions.records
    let splits = Set(records.compactMap(\.split))
    self.split = split ?? (splits.isEmpty ? nil : "test")
    if let wanted = self.split, !splits.contains(wanted) {
      throw CaptionError(
        splits.isEmpty
          ? "the captions file \(file) has no splits: name none"
          : "the captions file \(file) has no split \(wanted); it has "
            + splits.sorted().joined(separator: ", "))
    }
    let places = CaptionPathResolver(root: root, file: file)
    var finder = CaptionPictureFinder(
      places, records: records, pictures: { CaptionPictureFinder.files(below: root) })
    var pictures: [Picture] = []
    var placeOf: [[UInt8]: Int] = [:]
    var missing: [String] = []
    for record in records where record.split == self.split && !record.captions.isEmpty {
      let named = places.paths(of: record).first { path in
        if placeOf[path] != nil { return true }
        return (try? FileSystem.status(joined(root, path)))?.kind == .file
      }
      guard let path = named ?? finder.path(of: record) else {
        missing.append(record.names.first ?? "")
        continue
      }
      if let place = placeOf[path] {
        pictures[place].captions += record.captions
      } else {
        placeOf[path] = pictures.count
        pictures.append(Picture(path: path, captions: record.captions))
      }
    }
    if let example = missing.first {
      throw CaptionError(
        "\(missing.count) of the pictures that \(file) names are not there, such as "
          + "\(printable(Array(example.utf8))): names are relative to \(printable(root)) or to "
          + "the file's own folder; recall is that of the whole set or of none")
    }
    guard !pictures.isEmpty else {
      throw CaptionError("the captions file \(file) has no captioned picture")
    }
    self.pictures = pictures
    warnings = captions.warnings + [finder.warning(of: file)].compactMap(\.self)
  }

  /// Where the pictures lie: absolute paths.
  public var locations: [[UInt8]] { pictures.map { joined(root, $0.path) } }
}
