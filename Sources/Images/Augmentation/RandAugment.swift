/// The operations that BLIP's RandAugment chooses from.
enum AugmentationOperation: String, CaseIterable, Sendable {
  case identity, autoContrast, brightness, sharpness, equalize
  case shearX, shearY, translateX, translateY, rotate
}

/// Random changes of a picture that leave its caption true, as BLIP trains with: a random resized
/// crop, a mirror image half of the time, then RandAugment.
///
/// RandAugment(2, 5) of the reference (its `transform/randaugment.py`, which works with OpenCV):
/// two operations are drawn, each is carried out with probability 1/2, at level 5 of 10, its sign
/// drawn. Taken from there: shears of 0.3 · level / 10, moves of 10 · level / 10 pixels, turns of
/// 30 · level / 10 degrees, grey outside of the picture, bilinear interpolation. Other than there:
/// brightness and sharpness are changed to 1 ± 0.9 · level / 10, as torchvision's RandAugment has it
/// (the reference's 0.1 + 1.8 · level / 10 is 1 at level 5, which changes nothing); and the pixels
/// are those of Pillow's operations.
public struct Augmentation: Sendable {
  /// The share of the picture's area that a crop may have: 0.2…1 in pre-training, 0.5…1 in
  /// fine-tuning.
  public let scale: ClosedRange<Double>
  /// Operations drawn for a picture.
  private let operations = 2
  /// Their level, of 10.
  private let level = 5.0

  /// An augmentation whose crops have a share of the picture's area in `scale`.
  public init(scale: ClosedRange<Double>) { self.scale = scale }

  /// A view of a picture, `side` × `side`; the same draws give the same pixels.
  public func callAsFunction(_ picture: Picture, side: Int, _ draws: inout SeededDraws) -> Picture {
    let box = draws.crop(width: picture.width, height: picture.height, scale: scale)
    var view = picture.cropped(to: box).resized(width: side, height: side)
    if draws.coin() { view = view.flipped() }
    for _ in 0..<operations {
      let all = AugmentationOperation.allCases
      let operation = all[draws.below(all.count)]
      let isCarriedOut = draws.coin()
      let sign = draws.coin() ? 1.0 : -1.0
      if isCarriedOut { view = view.applying(operation, strength: sign * level / 10) }
    }
    return view
  }
}

extension Picture {
  /// One operation; `strength` from −1 to 1 is the share of its largest effect. Those that have no
  /// strength ignore it.
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
