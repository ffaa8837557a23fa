internal import Files

/// Where in a captions file something stands.
struct CaptionPlace: Equatable, CustomStringConvertible {
  let line: Int
  /// The number of a record in an array of JSON, which may be one long line; counted from 1.
  var record: Int?

  var description: String { record.map { "record \($0) (line \(line))" } ?? "line \(line)" }
}

/// What was left out of a captions file or changed in it.
struct CaptionNotes {
  /// Examples in a warning; a hostile file must not fill the terminal.
  private static let maximumExamples = 3

  /// What is to be said of the file's encoding.
  var encoding: String?
  private(set) var first: (place: CaptionPlace, reason: String)?
  private var leftOut = 0
  private var examples: [String] = []
  private var replaced = 0
  private var firstReplaced: CaptionPlace?

  /// A caption is left out.
  mutating func leaveOut(_ reason: String, at place: CaptionPlace) {
    leftOut += 1
    if first == nil { first = (place, reason) }
    if examples.count < Self.maximumExamples { examples.append("\(place): \(reason)") }
  }

  /// Lone surrogates in a record's captions became U+FFFD.
  mutating func replaceSurrogates(at place: CaptionPlace) {
    replaced += 1
    firstReplaced = firstReplaced ?? place
  }

  /// One line each.
  func warnings(of file: String) -> [String] {
    var warnings: [String] = []
    if let encoding { warnings.append("the captions file \(file): \(encoding)") }
    if leftOut > 0 {
      let rest = leftOut > examples.count ? "; and so on" : ""
      warnings.append(
        "the captions file \(file): \(counted(leftOut, "caption")) left out: "
          + examples.joined(separator: "; ") + rest)
    }
    if let firstReplaced {
      warnings.append(
        "the captions file \(file): lone surrogates in the captions of "
          + "\(counted(replaced, "record")) became U+FFFD, first in \(firstReplaced)")
    }
    return warnings
  }
}

/// Why captions could not be read; the text names the file and says what to do.
public struct CaptionError: Error, Equatable, CustomStringConvertible {
  /// One line.
  public let description: String

  /// An error of one line.
  package init(_ description: String) { self.description = description }
}

/// What is wrong with a whole captions file, and where, if that is known.
struct CaptionFault: Error {
  let place: CaptionPlace?
  let reason: String

  init(_ reason: String, at place: CaptionPlace? = nil) {
    self.place = place
    self.reason = reason
  }

  init(_ reason: String, line: Int) { self.init(reason, at: CaptionPlace(line: line)) }
}

/// What is wrong with one record, which is left out.
struct RecordFault: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
