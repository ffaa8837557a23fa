import Images
import Testing

@Suite("BMP")
struct BitmapTests {
  /// 3 × 2 pixels: red, green, blue; white, black, orange.
  private static let picture = Picture(
    width: 3, height: 2,
    pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 132, 0])
  private static let palette: [[UInt8]] = [
    [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [255, 132, 0],
  ]

  private func file(
    bits: Int, compression: Int = 0, height: Int = 2, masks: [Int] = [], isOfOS2: Bool = false,
    hasPalette: Bool = false, rows: [UInt8]
  ) -> [UInt8] {
    let sideSize = isOfOS2 ? 2 : 4
    var header = littleEndian(isOfOS2 ? 12 : 40, 4)
    header += littleEndian(3, sideSize)
    header += littleEndian(height, sideSize)
    header += littleEndian(1, 2)
    header += littleEndian(bits, 2)
    if !isOfOS2 {
      header += littleEndian(compression, 4)
      header += [UInt8](repeating: 0, count: 12)
      let colours = hasPalette ? Self.palette.count : 0
      header += littleEndian(colours, 4)
      header += littleEndian(0, 4)
    }
    for mask in masks { header += littleEndian(mask, 4) }
    for colour in Self.palette where hasPalette {
      header += [colour[2], colour[1], colour[0]]
      if !isOfOS2 { header.append(0) }
    }
    var bytes = Array("BM".utf8)
    let start = 14 + header.count
    bytes += littleEndian(start + rows.count, 4)
    bytes += littleEndian(0, 4)
    bytes += littleEndian(start, 4)
    bytes += header
    return bytes + rows
  }

  private func decode(_ bytes: [UInt8]) throws(ImageError) -> Picture {
    try ImageDecoder().decode(bytes, forSide: nil).picture
  }

  /// The pixels of a row, each as bytes, padded to a multiple of four.
  private func rows(bottomUp: Bool = true, _ pixel: ([UInt8]) -> [UInt8]) -> [UInt8] {
    let rows = [0, 1].map { (y: Int) -> [UInt8] in
      var row: [UInt8] = []
      for x in 0..<3 {
        let start = (y * 3 + x) * 3
        row += pixel(Array(Self.picture.pixels[start..<start + 3]))
      }
      let padding = (4 - row.count % 4) % 4
      return row + [UInt8](repeating: 0, count: padding)
    }
    return bottomUp ? rows[1] + rows[0] : rows[0] + rows[1]
  }

  @Test("24 and 32 bits, bottom up and top down")
  func trueColour() throws {
    #expect(try decode(file(bits: 24, rows: rows { $0.reversed() })) == Self.picture)
    let topDown = rows(bottomUp: false) { $0.reversed() + [0] }
    #expect(try decode(file(bits: 32, height: -2, rows: topDown)) == Self.picture)
  }

  @Test("16 bits with 5 for each colour")
  func highColour() throws {
    let bytes = file(
      bits: 16,
      rows: rows { pixel in
        let fives = pixel.map { Int($0 >> 3) }
        return littleEndian(fives[0] << 10 | fives[1] << 5 | fives[2], 2)
      })
    #expect(difference(try decode(bytes), Self.picture).largest <= 4)
  }

  @Test("masks place the colours, and alpha")
  func masks() throws {
    // Red lowest; alpha at the top.
    let masks = [0xFF, 0xFF00, 0xFF0000, 0xFF00_0000]
    let opaque = file(bits: 32, compression: 6, masks: masks, rows: rows { $0 + [255] })
    #expect(try decode(opaque) == Self.picture)
    let clear = file(bits: 32, compression: 6, masks: masks, rows: rows { $0 + [0] })
    #expect(try decode(clear).pixels.allSatisfy { $0 == 255 })
    let three = file(
      bits: 32, compression: 3, masks: Array(masks[..<3]), rows: rows { $0 + [0] })
    #expect(try decode(three) == Self.picture)
  }

  @Test("palettes of 8 and 4 bits, of Windows and OS/2")
  func palettes() throws {
    let bytes: [UInt8] = [3, 4, 5, 0, 0, 1, 2, 0]
    #expect(try decode(file(bits: 8, hasPalette: true, rows: bytes)) == Self.picture)
    let nibbles: [UInt8] = [0x34, 0x50, 0, 0, 0x01, 0x20, 0, 0]
    #expect(try decode(file(bits: 4, hasPalette: true, rows: nibbles)) == Self.picture)
    // OS/2's palette is complete.
    var old = file(bits: 8, isOfOS2: true, hasPalette: true, rows: [])
    old += [UInt8](repeating: 0, count: (256 - Self.palette.count) * 3)
    old.replaceSubrange(10..<14, with: littleEndian(old.count, 4))
    #expect(try decode(old + bytes) == Self.picture)
  }

  @Test("run lengths of 8 and 4 bits: runs, literals, moves")
  func runs() throws {
    // The bottom row literally, then single runs and the end.
    let eight: [UInt8] = [0, 3, 3, 4, 5, 0, 0, 0, 1, 0, 1, 1, 1, 2, 0, 1]
    #expect(
      try decode(file(bits: 8, compression: 1, hasPalette: true, rows: eight)) == Self.picture)
    let four: [UInt8] = [0, 3, 0x34, 0x50, 0, 0, 2, 0x01, 1, 0x20, 0, 1]
    #expect(
      try decode(file(bits: 4, compression: 2, hasPalette: true, rows: four)) == Self.picture)
    // Passes over two pixels, which have the first colour.
    let moved: [UInt8] = [0, 2, 2, 0, 1, 2, 0, 1]
    let pixels = try decode(file(bits: 8, compression: 1, hasPalette: true, rows: moved)).pixels
    #expect(Array(pixels[9...]) == [255, 0, 0, 255, 0, 0, 0, 0, 255])
  }

  @Test("damage is an error, not a picture")
  func damage() {
    let good = file(bits: 24, rows: rows { $0.reversed() })
    #expect(throws: ImageError.truncated(.bmp)) { try decode(Array(good.dropLast(4))) }
    // A run that leaves the row.
    let run = file(bits: 8, compression: 1, hasPalette: true, rows: [9, 1, 0, 1])
    #expect(throws: ImageError.corrupt(.bmp, "a run leaves the picture")) { try decode(run) }
    let outside = file(bits: 8, compression: 1, hasPalette: true, rows: [0, 2, 200, 0, 1, 1])
    #expect(throws: ImageError.corrupt(.bmp, "a run leaves the picture")) { try decode(outside) }
    let endless = file(bits: 8, compression: 1, hasPalette: true, rows: [1, 1])
    #expect(throws: ImageError.truncated(.bmp)) { try decode(endless) }
    var depth = good
    depth[28] = 7
    #expect(throws: ImageError.corrupt(.bmp, "an unsupported kind of pixels")) {
      try decode(depth)
    }
    var huge = good
    huge.replaceSubrange(18..<26, with: littleEndian(60_000, 4) + littleEndian(60_000, 4))
    #expect(throws: ImageError.tooLarge(width: 60_000, height: 60_000, limit: 200_000_000)) {
      try decode(huge)
    }
    // "BM" begins other files.
    #expect(throws: ImageError.notAPicture) { try decode(Array("BMW is a maker of cars".utf8)) }
  }
}
