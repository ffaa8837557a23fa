internal import Glibc

/// The source of each pixel of a transformed picture: (x, y) is taken from (a·x + b·y + c, d·x +
/// e·y + f), in Pillow's order of coefficients.
struct AffineTransform: Sendable {
  var a = 1.0
  var b = 0.0
  var c = 0.0
  var d = 0.0
  var e = 1.0
  var f = 0.0

  /// A counter-clockwise rotation about the picture's centre, as `Image.rotate` (which rounds the
  /// sine and cosine to 15 decimals).
  static func rotation(degrees: Double, width: Int, height: Int) -> AffineTransform {
    let positive = degrees - 360 * (degrees / 360).rounded(.down)
    let angle = -positive * (.pi / 180)
    func rounded(_ value: Double) -> Double {
      (value * 1e15).rounded(.toNearestOrEven) / 1e15
    }
    var rotation = AffineTransform(
      a: rounded(cos(angle)), b: rounded(sin(angle)), d: rounded(-sin(angle)),
      e: rounded(cos(angle)))
    let (x, y) = (Double(width) / 2, Double(height) / 2)
    rotation.c = rotation.a * -x + rotation.b * -y + x
    rotation.f = rotation.d * -x + rotation.e * -y + y
    return rotation
  }
}

extension Picture {
  /// `Image.transform(size, AFFINE, …, BILINEAR, fillcolor=(128, 128, 128))`, bit-identical: areas
  /// outside the picture are grey.
  func transformed(_ transform: AffineTransform) -> Picture {
    var moved = [UInt8](repeating: 128, count: pixels.count)
    for y in 0..<height {
      for x in 0..<width {
        let (column, row) = (Double(x) + 0.5, Double(y) + 0.5)
        let sourceX = transform.a * column + transform.b * row + transform.c
        let sourceY = transform.d * column + transform.e * row + transform.f
        guard sourceX >= 0, sourceX < Double(width), sourceY >= 0, sourceY < Double(height) else {
          continue
        }
        let (left, top) = ((sourceX - 0.5).rounded(.down), (sourceY - 0.5).rounded(.down))
        let (dx, dy) = (sourceX - 0.5 - left, sourceY - 0.5 - top)
        let x0 = max(Int(left), 0) * 3
        let x1 = min(Int(left) + 1, width - 1) * 3
        let upper = max(Int(top), 0) * width * 3
        let lower = min(Int(top) + 1, height - 1) * width * 3
        let target = (y * width + x) * 3
        for channel in target..<target + 3 {
          let offset = channel - target
          let above = Self.between(pixels[upper + x0 + offset], pixels[upper + x1 + offset], dx)
          let below = Self.between(pixels[lower + x0 + offset], pixels[lower + x1 + offset], dx)
          moved[channel] = UInt8(above + (below - above) * dy)
        }
      }
    }
    return Picture(width: width, height: height, pixels: moved)
  }

  private static func between(_ a: UInt8, _ b: UInt8, _ fraction: Double) -> Double {
    Double(a) + (Double(b) - Double(a)) * fraction
  }
}
