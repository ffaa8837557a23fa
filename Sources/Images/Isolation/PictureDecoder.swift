/// Makes pictures of files.
public protocol PictureDecoder: Sendable {
  /// The longest file.
  var maximumBytes: Int { get }

  /// Decodes the picture in `bytes`, upright, over white; `side`: it will be resized to side × side.
  ///
  /// What is wrong with the bytes is thrown as ``ImageError``; anything else that is thrown is wrong
  /// with this machine.
  func decode(_ bytes: [UInt8], forSide side: Int?) throws -> (picture: Picture, facts: ImageFacts)
}

extension ImageDecoder: PictureDecoder {}
