internal import CTesseract
internal import Synchronization

/// Reads the text that pictures show, by Tesseract, which is loaded when the first picture is read.
enum TextReader {
  /// Words that Tesseract is less sure of (0 to 100), and shorter ones, are mostly the edges of something
  /// (Benchmarks/WORDS.md).
  private static let leastConfidence: Float = 60
  private static let fewestCharacters = 3
  /// The longer side of a picture, in pixels, that is read; a smaller picture is enlarged, at most twice.
  private static let side = 2000
  /// JPEG files may be decoded at a part of their size, down to three times this.
  static let decodingSide = 500

  /// Libtesseract is not safe to use from several threads.
  private static let lock = Mutex(())

  /// Throws unless text can be read.
  static func start() throws(TextReadingError) {
    let status = lock.withLock { _ in text_reader_start() }
    switch status {
    case text_reader_ready: return
    case text_reader_no_library: throw .noLibrary
    default: throw .noLanguage
    }
  }

  /// The words that a picture shows, separated by spaces; empty if there are none, or if none can be read.
  static func text(in picture: Picture) throws(TextReadingError) -> String {
    try start()
    let picture = scaled(picture)
    let grey = picture.grey()
    var words = Words()
    lock.withLock { _ in
      withUnsafeMutablePointer(to: &words) { words in
        _ = text_reader_read(
          grey, Int32(picture.width), Int32(picture.height),
          { words, word, confidence in
            words!.assumingMemoryBound(to: Words.self).pointee.add(
              String(cString: word!), confidence)
          }, words)
      }
    }
    return ShownText.cleaned(words.texts.joined(separator: " "))
  }

  /// Of the size that Tesseract reads well.
  private static func scaled(_ picture: Picture) -> Picture {
    let longer = max(picture.width, picture.height)
    let scale = min(Double(side) / Double(longer), 2)
    let (width, height) = (Double(picture.width) * scale, Double(picture.height) * scale)
    return picture.resized(width: max(Int(width), 1), height: max(Int(height), 1))
  }

  /// The words that are likely read as they are.
  private struct Words {
    var texts: [String] = []

    mutating func add(_ word: String, _ confidence: Float) {
      guard confidence >= leastConfidence,
        word.count(where: { $0.isLetter || $0.isNumber }) >= fewestCharacters
      else { return }
      texts.append(word)
    }
  }
}

/// The text that a picture shows.
package enum ShownText {
  /// The most Unicode scalars that are kept.
  private static let most = 4000
  /// The most bytes that these take.
  package static let mostBytes = 4 * most

  /// In one line, without what would steer a terminal, and cut; empty if nothing is left.
  package static func cleaned(_ text: String) -> String {
    PictureDetails.cleaned(text, most: most) ?? ""
  }
}

/// Why the text in pictures cannot be read on this machine.
public enum TextReadingError: Error, Equatable, CustomStringConvertible {
  /// Libtesseract is not installed.
  case noLibrary
  /// The file of the language is not installed.
  case noLanguage
  /// The process that reads text reported something else.
  case failed(String)

  /// One line for the user: what is wrong, then what to do.
  public var description: String {
    switch self {
    case .noLibrary:
      "text in pictures cannot be read: libtesseract is not installed (Debian package libtesseract5)"
    case .noLanguage:
      "text in pictures cannot be read: Tesseract's file for English, eng.traineddata, is not "
        + "installed (Debian package tesseract-ocr-eng)"
    case .failed(let reason): "text in pictures cannot be read: \(reason)"
    }
  }
}

extension Picture {
  /// Luma of every pixel (ITU-R BT.601).
  fileprivate func grey() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: width * height) { grey, count in
      pixels.withUnsafeBufferPointer { pixels in
        for index in 0..<width * height {
          let (red, green, blue) = (
            Int(pixels[3 * index]), Int(pixels[3 * index + 1]), Int(pixels[3 * index + 2])
          )
          grey[index] = UInt8((299 * red + 587 * green + 114 * blue + 500) / 1000)
        }
      }
      count = width * height
    }
  }
}
