import Testing

@testable import Images

@Suite("Bicubic resize")
struct ResizeTests {
  @Test(
    "is bit-identical to Pillow's, with both kernels", arguments: Fixtures.all.resizes,
    [true, false])
  func parity(_ fixture: Fixtures.ResizeFixture, fast: Bool) {
    let picture = noise(width: fixture.width, height: fixture.height)
    let resized = picture.resized(width: fixture.newWidth, height: fixture.newHeight, fast: fast)
    #expect(crc32(resized.pixels) == fixture.crc32)
  }

  @Test("the fast kernels equal the portable ones at every width up to 70")
  func kernelsAgree() {
    for width in 1...70 {
      let picture = noise(width: width, height: 9 + width % 5)
      for (newWidth, newHeight) in [(width / 2 + 1, 7), (17, 3), (width + 3, 40)] {
        let fast = picture.resized(width: newWidth, height: newHeight, fast: true)
        #expect(fast == picture.resized(width: newWidth, height: newHeight, fast: false))
      }
    }
  }

  @Test("resizing to the same size is the identity")
  func identity() {
    let picture = noise(width: 31, height: 22)
    #expect(picture.resized(width: 31, height: 22) == picture)
  }

  @Test(
    "a constant picture stays constant",
    arguments: [(1, 1), (1, 40), (40, 1), (3, 200), (224, 224), (500, 333)])
  func constant(width: Int, height: Int) {
    let picture = Picture(
      width: width, height: height, pixels: Array(repeating: 201, count: width * height * 3))
    for (newWidth, newHeight) in [(1, 1), (64, 64), (7, 301), (640, 2)] {
      let resized = picture.resized(width: newWidth, height: newHeight)
      #expect(resized.pixels.allSatisfy { $0 == 201 })
      #expect(resized.pixels.count == newWidth * newHeight * 3)
    }
  }

  @Test("black and white stay in range where the kernel overshoots")
  func overshoot() {
    let pixels: [UInt8] = (0..<40).flatMap { x in Array(repeating: x < 20 ? 0 : 255, count: 3) }
    let resized = Picture(width: 40, height: 1, pixels: pixels).resized(width: 100, height: 1)
    #expect(resized.pixels.first == 0 && resized.pixels.last == 255)
    #expect(
      zip(resized.pixels, resized.pixels.dropFirst(3)).allSatisfy { Int($1) - Int($0) >= -20 })
  }

  @Test("an orientation and its inverse cancel", arguments: 1...8)
  func orientations(_ orientation: Int) {
    let inverse = [1, 2, 3, 4, 5, 8, 7, 6][orientation - 1]
    let picture = noise(width: 13, height: 8)
    #expect(picture.upright(from: orientation).upright(from: inverse) == picture)
  }
}
