internal import Checkpoints
internal import Files
internal import FoundationEssentials
public import Store

/// What `CapFilt` found, a picture a line, so that a run that was stopped goes on, and another
/// threshold costs nothing: `{"image", "captioner", "texts": [{"caption", "isSynthetic", "match"}]}`.
/// A picture that cannot be read is not written: it is tried again.
public final class CapFiltLog {
  private let captioner: String
  private let log: JSONLinesLog
  private var lines: [String: [Text]] = [:]

  private struct Text: Codable {
    let caption: String
    let isSynthetic: Bool
    let match: Float
  }

  private struct Line: Codable {
    let image: String
    let captioner: String
    let texts: [Text]
  }

  /// Opens the file, or makes it. One of another model or other settings, or nothing of the kind, is
  /// an error.
  /// - Parameter captioner: `CapFilt.description`
  public init(_ path: String, captioner: String) throws(RetrievalError) {
    var lines: [String: [Text]] = [:]
    log = try asRetrievalError {
      try JSONLinesLog(path, writer: "blip capfilt") { bytes, number throws(PathError) in
        guard let line = try? JSONDecoder().decode(Line.self, from: bytes),
          line.texts.allSatisfy({ (0...1).contains($0.match) })
        else { return false }
        try checkCaptioner(line.captioner, is: captioner, at: "\(path), line \(number)")
        lines[line.image] = line.texts
        return true
      }
    }
    (self.captioner, self.lines) = (captioner, lines)
  }

  /// What is known of a picture's texts; nil where its line is not of the texts that it has now.
  public func results(of input: FilterInput) -> [FilteredText]? {
    guard let texts = lines[input.name] else { return nil }
    let own = texts.filter { !$0.isSynthetic }.map(\.caption)
    guard own == input.texts.map(\.text) else { return nil }
    var sources = input.texts.map(\.source).makeIterator()
    return texts.map { text in
      FilteredText(
        picture: input.name, path: input.path, text: text.caption,
        source: text.isSynthetic ? .synthetic(by: captioner) : sources.next()!,
        match: .success(text.match))
    }
  }

  /// Adds a picture's line.
  public func append(_ texts: [FilteredText]) throws {
    guard let first = texts.first else { return }
    let found = texts.compactMap { text in
      (try? text.match.get()).map {
        Text(caption: text.text, isSynthetic: text.source.isSynthetic, match: $0)
      }
    }
    guard found.count == texts.count else { return }
    let line = Line(image: first.picture, captioner: captioner, texts: found)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try log.append(String(decoding: encoder.encode(line), as: UTF8.self))
    lines[line.image] = found
  }
}
