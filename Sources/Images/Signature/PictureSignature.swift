/// What tells whether two pictures show the same thing in the same way, and which is the better one.
public struct PictureSignature: Sendable, Equatable {
  /// Perceptual hashes, which near-identical pictures share.
  public let hashes: PerceptualHashes
  /// Mean colours, which near-identical pictures share too.
  public let colors: ColorLayout
  /// The variance of the Laplacian of luma (0 to 255): of two pictures of the same scene, the one in
  /// focus has the higher (Pech-Pacheco et al. 2000).
  public let sharpness: Float

  /// What hashes and colours are computed from is scaled to a square of this side at first.
  private static let side = 64

  /// Nil if the sharpness is no finite number from 0 on.
  public init?(hashes: PerceptualHashes, colors: ColorLayout, sharpness: Float) {
    guard sharpness.isFinite, sharpness >= 0 else { return nil }
    (self.hashes, self.colors, self.sharpness) = (hashes, colors, sharpness)
  }

  /// The signature of a picture.
  public init(of picture: Picture) {
    let small = picture.resized(width: Self.side, height: Self.side)
    hashes = PerceptualHashes(of: small)
    colors = ColorLayout(of: small)
    sharpness = picture.sharpness()
  }
}

extension Picture {
  /// Longer sides are scaled to this length before sharpness is measured.
  private static let longestSide = 640

  fileprivate func sharpness() -> Float {
    let longest = max(width, height)
    guard longest > Self.longestSide else { return laplacianVariance() }
    func scaled(_ length: Int) -> Int { max(1, length * Self.longestSide / longest) }
    return resized(width: scaled(width), height: scaled(height)).laplacianVariance()
  }

  /// The variance of the difference between each inner pixel and the mean of its four neighbours, times
  /// four.
  private func laplacianVariance() -> Float {
    guard width > 2, height > 2 else { return 0 }
    let luma = self.luma()
    var (sum, squares) = (0.0, 0.0)
    luma.withUnsafeBufferPointer { luma in
      for y in 1..<height - 1 {
        var (rowSum, rowSquares): (Float, Float) = (0, 0)
        for place in y * width + 1..<(y + 1) * width - 1 {
          let laplacian =
            luma[place - 1] + luma[place + 1] + luma[place - width] + luma[place + width]
            - 4 * luma[place]
          rowSum += laplacian
          rowSquares += laplacian * laplacian
        }
        sum += Double(rowSum)
        squares += Double(rowSquares)
      }
    }
    let count = Double((width - 2) * (height - 2))
    return Float(max(0, squares / count - (sum / count) * (sum / count)))
  }
}
