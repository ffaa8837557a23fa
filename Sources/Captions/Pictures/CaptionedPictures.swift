internal import Files

/// Pictures to train on, from captions files and the folders of their pictures.
package struct CaptionedPictures {
  /// The pictures that are there, in the order of the files.
  package private(set) var found: [CaptionedPicture] = []
  /// Names in the files that lead to no picture, and one of them.
  package private(set) var missing = 0
  package private(set) var example: String?
  /// What was left out of the files, or found in another way than they say.
  package private(set) var warnings: [String] = []

  /// Reads captions files, each with the folder that its names count from; names that are not there
  /// count from the file's own folder. A file none of whose pictures is there is an error.
  package init(_ sources: [(captions: String, images: String)]) throws {
    for source in sources { try add(source.captions, source.images) }
  }

  private mutating func add(_ captions: String, _ images: String) throws {
    let root: [UInt8]
    do throws(PathError) { root = try resolvedFolder(images) } catch {
      throw CaptionError(error.description)
    }
    let resolver = CaptionPathResolver(root: root, file: captions)
    var place: [[UInt8]: Int] = [:]
    var merged: [(path: String, captions: [String], label: String?)] = []
    let file = try CaptionFile(at: captions)
    let records = file.records
    var finder = CaptionPictureFinder(
      resolver, records: records, pictures: { CaptionPictureFinder.files(below: root) })
    for record in records {
      let path =
        resolver.absolutePaths(of: record).first { (try? FileSystem.status($0)) != nil }
        ?? finder.path(of: record).map { joined(root, $0) }
      guard let path else {
        missing += 1
        example = example ?? record.names.first
        continue
      }
      let label = record.isLabel ? record.captions.first : nil
      let texts = record.isLabel ? [] : record.captions
      if let known = place[path] {
        merged[known].captions += texts
        merged[known].label = merged[known].label ?? label
      } else {
        place[path] = merged.count
        merged.append((String(decoding: path, as: UTF8.self), texts, label))
      }
    }
    guard !merged.isEmpty else {
      let named = records.first?.names.first.map { " (it names, for example, \(printable($0)))" }
      throw CaptionError(
        "\(captions) names no picture that is in \(images)\(named ?? "")"
          + "; its names count from there or from the file's own folder")
    }
    warnings += file.warnings + [finder.warning(of: captions)].compactMap(\.self)
    found += merged.map { picture in
      // A label says nothing that captions do not.
      if picture.captions.isEmpty, let label = picture.label {
        CaptionedPicture(path: picture.path, label: label)
      } else {
        CaptionedPicture(path: picture.path, captions: picture.captions)
      }
    }
  }
}
