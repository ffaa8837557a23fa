import Images
import Retrieval

/// A picture once a word, with the word's weights over it and its number and the word below.
struct ExplanationSheet {
  /// The longer side of a tile's picture, in pixels.
  private static let side = 320
  private static let (mostColumns, gap, scale) = (4, 8, 2)
  private static let labelHeight = 2 * gap + SmallFont.height(scale: scale)

  private let picture: Picture
  private let explanation: MatchExplanation
  private let words: [MatchExplanation.Word]

  /// - Parameter words: Those of the explanation that are drawn, in order.
  init(_ picture: Picture, _ explanation: MatchExplanation, words: [MatchExplanation.Word]) {
    self.picture = picture.fitted(to: Self.side)
    self.explanation = explanation
    self.words = words
  }

  /// The sheet.
  func drawn() -> Picture {
    let columns = min(words.count, Self.mostColumns)
    let rows = (words.count + columns - 1) / columns
    let (width, height) = (picture.width + Self.gap, picture.height + Self.labelHeight)
    let sheetWidth = columns * width + Self.gap
    let sheetHeight = rows * height + Self.gap
    var sheet = Picture(
      width: sheetWidth, height: sheetHeight,
      pixels: [UInt8](repeating: 255, count: 3 * sheetWidth * sheetHeight))
    for (index, word) in words.enumerated() {
      let (x, y) = (Self.gap + index % columns * width, Self.gap + index / columns * height)
      sheet.paste(
        picture.overlaid(word.weights, rows: explanation.rows, columns: explanation.columns),
        x: x, y: y)
      sheet.write(
        Self.label(word, number: index + 1, width: picture.width), x: x,
        y: y + picture.height + Self.gap, scale: Self.scale)
    }
    return sheet
  }

  /// "3 DOG"; the number alone of a word that the font lacks, cut where it is too long for its tile.
  private static func label(_ word: MatchExplanation.Word, number: Int, width: Int) -> String {
    let label = SmallFont.has(word.text) ? "\(number) \(word.text)" : "\(number)"
    return String(label.prefix(max(1, width / SmallFont.width(of: " ", scale: scale))))
  }
}

extension Picture {
  fileprivate mutating func paste(_ other: Picture, x: Int, y: Int) {
    for row in 0..<other.height {
      let from = 3 * row * other.width
      let to = 3 * ((y + row) * width + x)
      pixels.replaceSubrange(
        to..<to + 3 * other.width, with: other.pixels[from..<from + 3 * other.width])
    }
  }

  /// Black.
  fileprivate mutating func write(_ text: String, x: Int, y: Int, scale: Int) {
    SmallFont.draw(text, scale: scale) { column, row in
      let (column, row) = (x + column, y + row)
      guard column < width, row < height else { return }
      let place = 3 * (row * width + column)
      for channel in 0..<3 { pixels[place + channel] = 0 }
    }
  }

  /// The picture under colours from blue (0) by yellow to red (1), interpolated between the cells' centres.
  fileprivate func overlaid(_ weights: [Float], rows: Int, columns: Int) -> Picture {
    var result = self
    for y in 0..<height {
      let vertical = Interpolation(y, of: height, cells: rows)
      for x in 0..<width {
        let horizontal = Interpolation(x, of: width, cells: columns)
        let weight = vertical.value { row in
          horizontal.value { weights[row * columns + $0] }
        }
        let place = 3 * (y * width + x)
        for (channel, color) in heat(weight).enumerated() {
          let opacity = 0.3 + 0.25 * weight
          let mixed = Float(pixels[place + channel]) * (1 - opacity) + color * opacity
          result.pixels[place + channel] = UInt8(min(max(mixed, 0), 255))
        }
      }
    }
    return result
  }
}

/// Red, green and blue, 0 to 255, of a weight from 0 to 1.
private func heat(_ weight: Float) -> [Float] {
  let (cold, middle, hot): ([Float], [Float], [Float]) = (
    [20, 40, 160], [255, 225, 60], [220, 20, 20]
  )
  let (from, to, part) =
    weight < 0.5 ? (cold, middle, 2 * weight) : (middle, hot, 2 * weight - 1)
  return zip(from, to).map { $0 + ($1 - $0) * part }
}

/// The two cells whose centres a pixel lies between, and how near it is to the second.
private struct Interpolation {
  private let first, second: Int
  private let part: Float

  init(_ pixel: Int, of length: Int, cells: Int) {
    let place = (Float(pixel) + 0.5) * Float(cells) / Float(length) - 0.5
    let clamped = min(max(place, 0), Float(cells - 1))
    first = Int(clamped)
    second = min(first + 1, cells - 1)
    part = clamped - Float(first)
  }

  func value(_ cell: (Int) -> Float) -> Float { cell(first) * (1 - part) + cell(second) * part }
}
