import Testing

@testable import Images

/// Perceptual hashes stay about the same under what is done to copies of a picture, and differ between
/// pictures.
@Suite struct SignatureTests {
  /// A scene of soft blobs, the same at every size; other seeds are other scenes.
  private func scene(
    _ seed: Int, width: Int = 300, height: Int = 200, in part: Range<Double> = 0..<1
  ) -> Picture {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    func next() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 40) / Double(1 << 24)
    }
    let blobs = (0..<24).map { _ in
      (x: next(), y: next(), size: 0.05 + 0.2 * next(), tone: 2 * next() - 1)
    }
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        let scale = part.upperBound - part.lowerBound
        let px = part.lowerBound + scale * (Double(x) + 0.5) / Double(width)
        let py = part.lowerBound + scale * (Double(y) + 0.5) / Double(height)
        var tone = 0.25 + 0.3 * px + 0.2 * py
        for blob in blobs {
          let (dx, dy) = ((px - blob.x) / blob.size, (py - blob.y) / blob.size)
          tone += 0.25 * blob.tone * max(0, 1 - dx * dx - dy * dy)
        }
        let value = UInt8(min(max(tone, 0), 1) * 200 + 20)
        pixels += [value, value &+ 10, value &- 10]
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  private func distance(_ a: Picture, _ b: Picture) -> Int {
    PerceptualHashes(of: a).distance(to: PerceptualHashes(of: b))
  }

  @Test(arguments: 1...5) func survivesResizingBrighteningAndCompression(_ seed: Int) throws {
    let original = scene(seed)
    #expect(distance(original, original) == 0)
    #expect(distance(original, scene(seed, width: 120, height: 80)) <= 4)
    var bright = original
    bright.pixels = bright.pixels.map { UInt8(min(255, Double($0) * 1.15)) }
    #expect(distance(original, bright) <= 4)
    let compressed = try ImageDecoder().decode(original.jpeg(quality: 40), forSide: nil).picture
    #expect(distance(original, compressed) <= 4)
  }

  @Test(arguments: 1...5) func survivesACropByATenth(_ seed: Int) {
    let original = scene(seed)
    for part in [0..<0.9, 0.05..<0.95, 0.1..<1.0] {
      let crop = scene(seed, width: 270, height: 180, in: part)
      #expect(distance(original, crop) <= 6)
      #expect(distance(crop, original) == distance(original, crop))
      let (whole, cropped) = (
        PerceptualHashes(of: original).whole, PerceptualHashes(of: crop).whole
      )
      #expect((whole ^ cropped).nonzeroBitCount > distance(original, crop))
    }
  }

  @Test func differsBetweenPictures() {
    let hashes = (1...12).map { PerceptualHashes(of: scene($0)) }
    for (index, a) in hashes.enumerated() {
      for b in hashes[(index + 1)...] { #expect(a.distance(to: b) > 8) }
    }
  }

  @Test func aMirroredPictureIsAnotherOne() {
    let original = scene(1)
    let mirrored = original.upright(from: 2)
    #expect(distance(original, mirrored) > 12)
  }

  @Test func theSameShapesInAnotherColorDifferInTheirColors() {
    let grey = scene(2)
    var red = grey
    for index in stride(from: 0, to: red.pixels.count, by: 3) {
      red.pixels[index] = UInt8(min(255, Int(red.pixels[index]) + 60))
      red.pixels[index + 1] = UInt8(max(0, Int(red.pixels[index + 1]) - 30))
    }
    #expect(distance(grey, red) <= 6)
    let (layout, other) = (ColorLayout(of: grey), ColorLayout(of: red))
    #expect(layout.distance(to: other) > 20 && other.distance(to: layout) > 20)
    var bright = grey
    bright.pixels = bright.pixels.map { UInt8(min(255, Double($0) * 1.15)) }
    #expect(layout.distance(to: ColorLayout(of: bright)) < 3)
    #expect(layout.distance(to: layout) == 0)
  }

  @Test func ofAPlainBackgroundOnlyTheWholeHasAHash() {
    var drawing = scene(4)
    for pixel in 0..<drawing.width * drawing.height where pixel % drawing.width < 100 {
      for channel in 0..<3 { drawing.pixels[3 * pixel + channel] = 255 }
    }
    let hashes = PerceptualHashes(of: drawing)
    #expect(hashes.isPlain && hashes.hasDetails && hashes.whole.nonzeroBitCount == 31)
    #expect(!PerceptualHashes(of: scene(4)).isPlain)
    #expect(hashes.distance(to: hashes) == 0)
  }

  @Test func aBlankPictureHasNoHash() {
    let blank = Picture(width: 90, height: 60, pixels: Array(repeating: 240, count: 90 * 60 * 3))
    let hashes = PerceptualHashes(of: blank)
    #expect(!hashes.hasDetails)
    #expect(hashes.values == Array(repeating: 0, count: PerceptualHashes.count))
    #expect(PerceptualHashes(of: scene(1)).hasDetails)
  }

  @Test func aHashHasAsManyOnesAsZeros() {
    for hash in PerceptualHashes(of: scene(3)).values { #expect(hash.nonzeroBitCount == 31) }
  }

  @Test func aBlurredPictureIsLessSharp() {
    let sharp = noise(width: 200, height: 150)
    let blurred = sharp.resized(width: 50, height: 38).resized(width: 200, height: 150)
    let sharpness = PictureSignature(of: sharp).sharpness
    #expect(sharpness > 4 * PictureSignature(of: blurred).sharpness)
    let blank = Picture(width: 90, height: 60, pixels: Array(repeating: 9, count: 90 * 60 * 3))
    #expect(PictureSignature(of: blank).sharpness == 0)
    #expect(PictureSignature(of: Picture(width: 1, height: 1, pixels: [1, 2, 3])).sharpness == 0)
  }

  @Test func anImpossibleSharpnessIsRefused() {
    let (hashes, colors) = (PerceptualHashes(of: scene(1)), ColorLayout(of: scene(1)))
    for sharpness in [-1, Float.nan, .infinity] {
      #expect(PictureSignature(hashes: hashes, colors: colors, sharpness: sharpness) == nil)
    }
    #expect(PerceptualHashes(values: [1, 2]) == nil)
    #expect(ColorLayout(values: [1, 2]) == nil)
  }
}
