package import Files

extension PictureDecoder {
  /// Reads and decodes one picture file; an error names the file.
  /// - Parameter side: The picture will be resized to side × side, so that a large JPEG may be decoded at
  ///   a reduced scale.
  package func picture(at path: [UInt8], forSide side: Int?) throws(PathError) -> Picture {
    let bytes: [UInt8]
    do { bytes = try FileSystem.read(path, limit: maximumBytes).bytes } catch {
      throw PathError(printable(path), "\(error)")
    }
    do { return try decode(bytes, forSide: side).picture } catch {
      throw PathError(printable(path), "\(error)")
    }
  }
}
