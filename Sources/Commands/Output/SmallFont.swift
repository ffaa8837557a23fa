import Images

/// A font of 5×7 pixels for what is written into pictures: the letters of English, digits, the apostrophe
/// and the hyphen.
enum SmallFont {
  /// The pixels of a character without the space around it.
  private static let (width, height) = (5, 7)
  /// From one character to the next.
  private static let advance = width + 1

  /// Seven rows from the top, a byte each; the five lowest bits are pixels from left to right.
  private static let glyphs: [Character: UInt64] = [
    "A": 0x0E11111F111111, "B": 0x1E11111E11111E, "C": 0x0E11101010110E, "D": 0x1E11111111111E,
    "E": 0x1F10101E10101F, "F": 0x1F10101E101010, "G": 0x0E11101713110F, "H": 0x1111111F111111,
    "I": 0x0E04040404040E, "J": 0x0702020202120C, "K": 0x11121418141211, "L": 0x1010101010101F,
    "M": 0x111B1515111111, "N": 0x11191513111111, "O": 0x0E11111111110E, "P": 0x1E11111E101010,
    "Q": 0x0E11111115120D, "R": 0x1E11111E141211, "S": 0x0F10100E01011E, "T": 0x1F040404040404,
    "U": 0x1111111111110E, "V": 0x111111110A0A04, "W": 0x1111111515150A, "X": 0x110A0A040A0A11,
    "Y": 0x11110A04040404, "Z": 0x1F01020408101F, "0": 0x0E11131519110E, "1": 0x040C040404040E,
    "2": 0x0E11010204081F, "3": 0x1F02040201110E, "4": 0x02060A121F0202, "5": 0x1F101E0101110E,
    "6": 0x0608101E11110E, "7": 0x1F010204080808, "8": 0x0E11110E11110E, "9": 0x0E11110F01020C,
    "'": 0x0C040800000000, "-": 0x0000001F000000,
  ]

  /// The width of a text in pixels.
  static func width(of text: String, scale: Int) -> Int { text.count * advance * scale }

  /// A line's height in pixels.
  static func height(scale: Int) -> Int { height * scale }

  /// Whether it has every character of a text, in capitals.
  static func has(_ text: String) -> Bool {
    text.uppercased().allSatisfy { $0 == " " || glyphs[$0] != nil }
  }

  /// Calls `body` with each pixel of a text in capitals, from its upper left corner on; a character that the
  /// font lacks is left blank.
  static func draw(_ text: String, scale: Int, _ body: (_ x: Int, _ y: Int) -> Void) {
    for (place, character) in text.uppercased().enumerated() {
      guard let glyph = glyphs[character] else { continue }
      for y in 0..<height * scale {
        let row = glyph >> UInt64(8 * (height - 1 - y / scale))
        for x in 0..<width * scale where row >> UInt64(width - 1 - x / scale) & 1 == 1 {
          body(place * advance * scale + x, y)
        }
      }
    }
  }
}
