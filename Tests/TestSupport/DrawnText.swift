/// Pictures of text, drawn with a small font.
package enum DrawnText {
  /// Five columns and seven rows a letter.
  private static let letters: [Character: [String]] = [
    "H": ["#...#", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"],
    "O": [".###.", "#...#", "#...#", "#...#", "#...#", "#...#", ".###."],
    "T": ["#####", "..#..", "..#..", "..#..", "..#..", "..#..", "..#.."],
    "E": ["#####", "#....", "#....", "####.", "#....", "#....", "#####"],
    "L": ["#....", "#....", "#....", "#....", "#....", "#....", "#####"],
    "S": [".####", "#....", "#....", ".###.", "....#", "....#", "####."],
    "C": [".####", "#....", "#....", "#....", "#....", "#....", ".####"],
  ]
  private static let scale = 4
  private static let margin = 40

  /// A BMP file that shows words of the letters CEHLOST, black on white.
  package static func bitmap(_ text: String) -> [UInt8] {
    let width = 2 * margin + scale * 6 * text.count
    let height = 2 * margin + scale * 7
    let rowBytes = (3 * width + 3) / 4 * 4
    var pixels = [UInt8](repeating: 255, count: rowBytes * height)
    for (place, letter) in text.enumerated() {
      for (y, row) in (letters[letter] ?? []).enumerated() {
        for (x, mark) in row.enumerated() where mark == "#" {
          for dy in 0..<scale {
            // Rows are stored from the bottom to the top.
            let line = height - 1 - (margin + scale * y + dy)
            let first = rowBytes * line + 3 * (margin + scale * (6 * place + x))
            for offset in 0..<3 * scale { pixels[first + offset] = 0 }
          }
        }
      }
    }
    func bytes(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let header = [
      bytes(54 + pixels.count, 4), bytes(0, 4), bytes(54, 4), bytes(40, 4), bytes(width, 4),
      bytes(height, 4), bytes(1, 2), bytes(24, 2), bytes(0, 4), bytes(pixels.count, 4),
      bytes(0, 16),
    ]
    return Array("BM".utf8) + header.flatMap { $0 } + pixels
  }
}
