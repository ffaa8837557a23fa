import Captions
import Files
import Retrieval
import Store
import Training

/// The pictures of a captions file, each with its captions.
/// - Parameter images: The folder that picture paths are relative to; nil: that of the file.
func captionedInputs(_ captions: String, images: String?) throws -> [FilterInput] {
  let folder = images ?? captions.lastIndex(of: "/").map { String(captions[..<$0]) } ?? "."
  let pictures = try CaptionedPictures([(captions: captions, images: folder)])
  if let example = pictures.example {
    Console.note(
      "\(counted(pictures.missing, "picture")) named in \(captions) do not exist, such as "
        + printable(example))
  }
  let prefix = try CaptionedPictures.resolved(folder) + "/"
  return pictures.found.map { picture in
    FilterInput(
      name: picture.path.hasPrefix(prefix)
        ? String(picture.path.dropFirst(prefix.count)) : picture.path,
      path: Array(picture.path.utf8), texts: picture.captions.map { ($0, .captions) })
  }
}
