internal import Files
internal import Glibc

/// Pictures to train on, from captions files and the folders of their pictures.
package struct CaptionedPictures {
  /// The pictures that are there, in the order of the files.
  package private(set) var found: [CaptionedPicture] = []
  /// Names in the files that lead to no picture, and one of them.
  package private(set) var missing = 0
  package private(set) var example: String?

  /// Reads captions files, each with the folder that its names count from; names that are not there
  /// count from the file's own folder. A file none of whose pictures is there is an error.
  package init(_ sources: [(captions: String, images: String)]) throws {
    for source in sources { try add(source.captions, source.images) }
  }

  private mutating func add(_ captions: String, _ images: String) throws {
    let folder = try Self.resolved(images)
    let own = try Self.resolved(
      captions.lastIndex(of: "/").map { String(captions[...$0]) } ?? ".")
    var place: [String: Int] = [:]
    var merged: [(path: String, captions: [String], label: String?)] = []
    let records = try CaptionFile.records(at: captions)
    for record in records {
      let places = record.names.flatMap { name in
        name.hasPrefix("/") ? [name] : ["\(folder)/\(name)", "\(own)/\(name)"]
      }
      guard let path = places.first(where: { access($0, F_OK) == 0 }) else {
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
        merged.append((path, texts, label))
      }
    }
    guard !merged.isEmpty else {
      let named = records.first?.names.first.map { " (it names, for example, \(printable($0)))" }
      throw CaptionError(
        "\(captions) names no picture that is in \(images)\(named ?? "")"
          + "; its names count from there or from the file's own folder")
    }
    found += merged.map { picture in
      // A label says nothing that captions do not.
      if picture.captions.isEmpty, let label = picture.label {
        CaptionedPicture(path: picture.path, label: label)
      } else {
        CaptionedPicture(path: picture.path, captions: picture.captions)
      }
    }
  }

  /// The folder without symbolic links, so that the same pictures have the same names from wherever
  /// a command is given.
  package static func resolved(_ path: String) throws(CaptionError) -> String {
    guard let resolved = realpath(path, nil) else {
      throw CaptionError("cannot read the folder \(path): \(String(cString: strerror(errno)))")
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
