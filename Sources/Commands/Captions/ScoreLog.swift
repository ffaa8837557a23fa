import Checkpoints
import Files
import FoundationEssentials
import Retrieval

/// The probabilities that `CapFilt` or `MatchFilter` computed, one JSON object per picture and
/// line, so that an interrupted run can resume and another threshold needs no new scores:
/// `{"image", "captioner" or "model", "modified", "texts": [{"caption", "isSynthetic", "probability"}]}`.
/// Pictures that cannot be read are not logged, and so are tried again.
final class ScoreLog {
  /// Which command writes a log, and what its scores depend on.
  enum Writer: Sendable {
    /// `blip capfilt`, with `CapFilt.description`, and what marks synthetic captions.
    case capFilt(String, captioner: String)
    /// `blip filter`, with `MatchFilter.description`.
    case filter(String)

    fileprivate var command: String {
      switch self {
      case .capFilt: "blip capfilt"
      case .filter: "blip filter"
      }
    }

    fileprivate var description: String {
      switch self {
      case .capFilt(let description, _), .filter(let description): description
      }
    }

    fileprivate var captioner: String {
      switch self {
      case .capFilt(_, let captioner): captioner
      case .filter(let description): description
      }
    }
  }

  private let writer: Writer
  private let log: JSONLinesLog
  private var lines: [String: Line] = [:]

  private struct Text: Codable {
    let caption: String
    let isSynthetic: Bool
    let probability: Float
  }

  private struct Line: Codable {
    let image: String
    /// What the scores depend on: of `blip capfilt`, and of `blip filter`.
    var captioner, model: String?
    /// When the picture's file was changed last; lines of earlier versions do not say.
    let modified: Int64?
    let texts: [Text]
  }

  /// Opens the file, or creates it. A file by another model or with other settings, or of another
  /// kind, is an error.
  init(_ path: String, by writer: Writer) throws(PathError) {
    var lines: [String: Line] = [:]
    log = try JSONLinesLog(path, writer: writer.command) { bytes, number throws(PathError) in
      guard let line = try? JSONDecoder().decode(Line.self, from: bytes),
        let found = line.captioner ?? line.model,
        line.texts.allSatisfy({ (0...1).contains($0.probability) })
      else { return false }
      guard found == writer.description else {
        throw PathError(
          "\(path), line \(number)",
          "scored by \(printable(found)), not by \(writer.description); write to another file, or "
            + "delete this one")
      }
      lines[line.image] = line
      return true
    }
    (self.writer, self.lines) = (writer, lines)
  }

  /// The logged results of a picture: of its texts in their order, then of a synthetic one if there
  /// is one. Nil if there are none, or if its file or texts have changed since.
  func results(of input: FilterInput) -> [FilteredText]? {
    guard let line = lines[input.name], line.texts.count >= input.texts.count,
      line.modified == nil || line.modified == Self.modified(input.path),
      zip(line.texts, input.texts).allSatisfy({ $0.caption == $1.text }),
      line.texts.dropFirst(input.texts.count).allSatisfy(\.isSynthetic)
    else { return nil }
    return line.texts.enumerated().map { place, text in
      FilteredText(
        picture: input.name, path: input.path, text: text.caption,
        source: place < input.texts.count
          ? input.texts[place].source : .synthetic(by: writer.captioner),
        probability: .success(text.probability))
    }
  }

  /// Adds a picture's line.
  func append(_ texts: [FilteredText]) throws {
    guard let first = texts.first else { return }
    let scored = texts.compactMap { text in
      (try? text.probability.get()).map {
        Text(caption: text.text, isSynthetic: text.source.isSynthetic, probability: $0)
      }
    }
    guard scored.count == texts.count else { return }
    var line = Line(image: first.picture, modified: Self.modified(first.path), texts: scored)
    switch writer {
    case .capFilt(let description, _): line.captioner = description
    case .filter(let description): line.model = description
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try log.append(String(decoding: encoder.encode(line), as: UTF8.self))
    lines[line.image] = line
  }

  private static func modified(_ path: [UInt8]) -> Int64? {
    try? FileSystem.status(path).modified
  }
}
