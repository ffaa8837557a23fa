internal import Files
package import Images
internal import Store

/// Reads and decodes one picture file; an error names the file. `side`: the picture will be resized
/// to `side × side`, so that a large JPEG may be decoded at a reduced scale.
package func readPicture(at path: String, decoder: any PictureDecoder, side: Int?) throws -> Picture
{
  try readPicture(at: Array(path.utf8), decoder: decoder, side: side)
}

/// The same by a path that need not be UTF-8.
package func readPicture(at path: [UInt8], decoder: any PictureDecoder, side: Int?) throws
  -> Picture
{
  let bytes: [UInt8]
  do { bytes = try FileSystem.read(path, limit: decoder.maximumBytes).bytes } catch {
    throw RetrievalError(.unreadablePicture, "\(printable(path)): \(error)")
  }
  do { return try decoder.decode(bytes, forSide: side).picture } catch {
    throw RetrievalError(.unreadablePicture, "\(printable(path)): \(error)")
  }
}
