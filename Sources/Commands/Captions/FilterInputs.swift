import Captions
import Files
import Retrieval
import Training

/// The pictures of a captions file, each with its captions.
/// - Parameter images: The folder that picture paths are relative to; nil: that of the file.
func captionedInputs(_ captions: String, images: String?) throws -> [FilterInput] {
  let folder = images ?? captions.lastIndex(of: "/").map { String(captions[..<$0]) } ?? "."
  let pictures = try CaptionedPictures([(captions: captions, images: folder)])
  for warning in pictures.warnings { Console.note(printable(warning)) }
  if let example = pictures.example {
    Console.note(
      "\(counted(pictures.missing, "picture")) named in \(captions) do not exist, such as "
        + printable(example))
  }
  let root = try resolvedFolder(folder)
  return pictures.found.map { picture in
    let path = Array(picture.path.utf8)
    return FilterInput(
      name: String(decoding: relative(path, to: root) ?? path, as: UTF8.self), path: path,
      texts: picture.captions.map { ($0, .captions) })
  }
}
