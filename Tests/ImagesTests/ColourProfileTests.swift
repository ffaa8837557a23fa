import Foundation
import Testing

@testable import Images

@Suite("Colours by a file's ICC profile")
struct ColourProfileTests {
  /// A JPEG fixture with a profile.
  private func file(_ name: String, with profile: [UInt8]) -> [UInt8] {
    inserting(
      marker: 0xE2, Array("ICC_PROFILE\0".utf8) + [1, 1] + profile,
      intoJPEG: Fixtures.bytes(of: name))
  }

  private func decode(_ bytes: [UInt8]) throws -> Picture {
    try ImageDecoder().decode(bytes, forSide: nil).picture
  }

  @Test(
    "are converted to sRGB in every format that has profiles",
    arguments: [
      ("swapped.png", 0, 0.0), ("swapped.tif", 0, 0), ("swapped.webp", 0, 0), ("swapped.jxl", 0, 0),
      ("swapped.avif", 4, 1), ("swapped.jpg", 30, 3),
    ])
  func converted(name: String, largest: Int, mean: Double) throws {
    // Red and blue are exchanged in the file, and its profile exchanges them again.
    let found = difference(
      try decode(Fixtures.formatBytes(of: name)), Fixtures.picture("rgb.png").expected)
    #expect(found.largest <= largest && found.mean <= mean)
  }

  @Test("stay as they are, to the bit, where the profile is practically sRGB")
  func srgb() throws {
    let picture = try decode(file("rgb444.jpg", with: ICCProfile.rgb(gamma: nil)))
    #expect(picture == Fixtures.picture("rgb444.jpg").expected)
    let other = try decode(file("rgb444.jpg", with: ICCProfile.rgb(gamma: 1)))
    #expect(other != picture)
  }

  @Test("of grey follow the profile's curve")
  func grey() throws {
    let plain = Fixtures.picture("grey.jpg").expected
    let picture = try decode(file("grey.jpg", with: ICCProfile.grey(gamma: 1)))
    var (largest, largestOfDark) = (0.0, 0.0)
    for (value, stored) in zip(picture.pixels, plain.pixels) {
      let linear = Double(stored) / 255
      let encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055
      let difference = abs(Double(value) - 255 * encoded)
      // The curve is steep in the dark, where lcms2 interpolates.
      if stored < 16 {
        largestOfDark = max(largestOfDark, difference)
      } else {
        largest = max(largest, difference)
      }
    }
    #expect(largest <= 3 && largestOfDark <= 12)
    #expect(picture != plain)
  }

  @Test("of CMYK follow the inks of the profile")
  func inks() throws {
    let picture = try decode(file("cmyk.jpg", with: ICCProfile.blackInk))
    let plain = Fixtures.picture("cmyk.jpg").expected
    func isGrey(_ picture: Picture) -> Bool {
      stride(from: 0, to: picture.pixels.count, by: 3).allSatisfy { i in
        let pixel = picture.pixels[i..<i + 3]
        return pixel.max()! - pixel.min()! <= 2
      }
    }
    #expect(isGrey(picture) && !isGrey(plain))
    #expect(Set(picture.pixels).count > 20)
  }

  @Test("stay as they are where the profile is damaged, or of other colours than the picture")
  func unusable() throws {
    let whole = ICCProfile.rgb(gamma: 1)
    let plain = Fixtures.picture("rgb444.jpg").expected
    for profile in [
      [], Array(whole.prefix(100)), Array(whole.prefix(200)), [UInt8](repeating: 0xA5, count: 5000),
      ICCProfile.blackInk, ICCProfile.grey(gamma: 1),
    ] {
      #expect(try decode(file("rgb444.jpg", with: profile)) == plain)
    }
  }

  @Test("are converted in a decoding process, JPEG's and PNG's too", arguments: ["png", "jpg"])
  func isolated(name: String) {
    let decoder = IsolatedDecoder(command: ["/no/such/program"])
    #expect(throws: DecodingProcessError.self) {
      try decoder.decode(Fixtures.formatBytes(of: "swapped.\(name)"), forSide: nil)
    }
  }
}
