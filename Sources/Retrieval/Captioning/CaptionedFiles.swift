internal import Captions
internal import Files
public import Store

/// The pictures of a captions file, each with its captions, for ``MatchFilter`` and ``CapFilt``.
public struct CaptionedFiles: Sendable {
  /// The pictures that are there, in the order of the file.
  public let pictures: [FilterInput]
  /// What the user should know: captions that were left out, and pictures that are not there, a line
  /// each.
  public let warnings: [String]

  /// Reads a captions file in any format that ``IndexingOptions/captions`` may have.
  /// - Parameters:
  ///   - captions: The file.
  ///   - images: The folder that its picture names are relative to. Nil: the file's own.
  public init(captions: String, images: String? = nil) throws(RetrievalError) {
    let folder = images ?? captions.lastIndex(of: "/").map { String(captions[..<$0]) } ?? "."
    let (found, root) = try asRetrievalError {
      (try CaptionedPictures([(captions: captions, images: folder)]), try resolvedFolder(folder))
    }
    var warnings = found.warnings
    if let example = found.example {
      warnings.append(
        "\(counted(found.missing, "picture")) named in \(captions) do not exist, such as \(example)"
      )
    }
    self.warnings = warnings
    pictures = found.found.map { picture in
      let path = Array(picture.path.utf8)
      return FilterInput(
        name: String(decoding: relative(path, to: root) ?? path, as: UTF8.self), path: path,
        texts: picture.captions.map { ($0, .captions) })
    }
  }
}
