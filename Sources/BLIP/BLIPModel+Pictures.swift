internal import Checkpoints
public import Images
public import Tensors

extension BLIPModel {
  /// Resizes, normalises and encodes one picture.
  /// - Parameter keepsFeatures: False if only the embedding is wanted, which takes less time.
  public func encode(_ picture: Picture, keepsFeatures: Bool = true) throws -> ImageEncoding {
    try encode(pixels: pixels(of: picture), keepsFeatures: keepsFeatures)
  }

  /// Resizes and normalises one picture for the image encoder.
  public func pixels(of picture: Picture) -> FeatureMap {
    let side = folder.configuration.vision.imageSize
    return normalization(picture.resized(width: side, height: side))
  }

  /// Encodes the output of `pixels(of:)`, as `encode`.
  public func encode(pixels: FeatureMap, keepsFeatures: Bool = true) throws -> ImageEncoding {
    try encode(pixels: pixels, keepsFeatures: keepsFeatures, observe: nil)
  }

  /// Encodes a normalised picture of the configured size.
  func encode(
    pixels: FeatureMap, keepsFeatures: Bool = true, observe: Observer?
  ) throws -> ImageEncoding {
    let encoder = try imageEncoder()
    guard encoder.hasProjection else { throw BLIPError.cannotRetrieve(folder) }
    return imageActivations.lend {
      encoder.encode(pixels, keepsFeatures: keepsFeatures, &$0, observe: observe)
    }
  }

  /// The patch features `[1 + P, D]` of the output of `pixels(of:)`: all that ITM and the decoder need
  /// of a picture.
  public func features(of pixels: FeatureMap) throws -> Matrix {
    let encoder = try imageEncoder()
    return imageActivations.lend { encoder(pixels, &$0) }
  }

  /// The output of the convolutional stem's first layers for the output of `pixels(of:)`; nil for a
  /// model without a stem. Training caches the output of the frozen layers.
  package func stemOutput(of pixels: FeatureMap, layers: Int) throws -> FeatureMap? {
    // A model without a stem need not load its encoder to say so.
    guard folder.configuration.vision.stem != nil else { return nil }
    let encoder = try imageEncoder()
    return imageActivations.lend { encoder.stemOutput(of: pixels, layers: layers, &$0) }
  }
}
