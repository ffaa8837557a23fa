package import Random

/// The operations of BLIP's RandAugment.
enum AugmentationOperation: String, CaseIterable, Sendable {
  case identity, autoContrast, brightness, sharpness, equalize
  case shearX, shearY, translateX, translateY, rotate
}

/// Random changes of a picture that preserve the meaning of its caption, as in BLIP's training: a
/// random resized crop, a horizontal flip with probability 1/2, then RandAugment.
///
/// RandAugment(2, 5) of the reference (its `transform/randaugment.py`, which uses OpenCV): two
/// operations are drawn, and each is applied with probability 1/2, at level 5 of 10, with a random
/// sign. As there, shears are 0.3 · level / 10, translations 10 · level / 10 pixels and rotations
/// 30 · level / 10 degrees, with bilinear interpolation and grey outside the picture. Unlike there,
/// brightness and sharpness are changed to 1 ± 0.9 · level / 10, as in torchvision's RandAugment
/// (the reference's 0.1 + 1.8 · level / 10 is 1 at level 5, which changes nothing), and pixel
/// values are those of Pillow's operations.
public struct Augmentation: Sendable {
  /// The fraction of the picture's area that a crop may cover: 0.2…1 in pre-training, 0.5…1 in
  /// fine-tuning.
  public let scale: ClosedRange<Double>
  /// The number of operations drawn per picture.
  private let operations = 2
  /// Their level, out of 10.
  private let level = 5.0

  /// An augmentation whose crops cover a fraction of the picture's area in `scale`.
  public init(scale: ClosedRange<Double>) { self.scale = scale }

  /// An augmented view of a picture, `side` × `side` pixels; the same draws give the same pixels.
  package func callAsFunction(_ picture: Picture, side: Int, _ draws: inout SplitMix64) -> Picture {
    let box = draws.crop(width: picture.width, height: picture.height, scale: scale)
    var view = picture.cropped(to: box).resized(width: side, height: side)
    if draws.coin() { view = view.flipped() }
    for _ in 0..<operations {
      let all = AugmentationOperation.allCases
      let operation = all[draws.below(all.count)]
      let isApplied = draws.coin()
      let sign = draws.coin() ? 1.0 : -1.0
      if isApplied { view = view.applying(operation, strength: sign * level / 10) }
    }
    return view
  }
}

extension Picture {
  /// Applies an operation; `strength`, from −1 to 1, is a fraction of its largest effect.
  /// Operations without a strength ignore it.
  func applying(_ operation: AugmentationOperation, strength: Double) -> Picture {
    switch operation {
    case .identity: self
    case .autoContrast: autoContrast()
    case .brightness: brightness(Float(1 + 0.9 * strength))
    case .sharpness: sharpness(Float(1 + 0.9 * strength))
    case .equalize: equalized()
    case .shearX: transformed(AffineTransform(b: 0.3 * strength))
    case .shearY: transformed(AffineTransform(d: 0.3 * strength))
    case .translateX: transformed(AffineTransform(c: 10 * strength))
    case .translateY: transformed(AffineTransform(f: 10 * strength))
    case .rotate:
      transformed(.rotation(degrees: 30 * strength, width: width, height: height))
    }
  }
}
