import Glibc
import Retrieval
import Training

/// The pictures of a captions file with their captions, to be held against them.
/// - Parameter images: The folder that names count from; nil: the file's own.
func captionedInputs(_ captions: String, images: String?) throws -> [FilterInput] {
  let folder = images ?? captions.lastIndex(of: "/").map { String(captions[..<$0]) } ?? "."
  let pictures = try CaptionedPictures([(captions: captions, images: folder)])
  if let example = pictures.example {
    Console.note(
      "\(counted(pictures.missing, "name")) of \(captions) "
        + "lead to no picture, for example \(printable(example))")
  }
  let prefix = try CaptionedPictures.resolved(folder) + "/"
  return pictures.found.map { picture in
    FilterInput(
      name: picture.path.hasPrefix(prefix)
        ? String(picture.path.dropFirst(prefix.count)) : picture.path,
      path: Array(picture.path.utf8), texts: picture.captions.map { ($0, .captions) })
  }
}

/// A file of texts, each with all that is known of it: BLIP's list of `{"image", "caption"}`, or an
/// object a line.
struct FilterFile: ~Copyable {
  private var file: AtomicFile
  private let isList: Bool
  private var isEmpty = true

  init(_ path: String, isList: Bool) throws {
    file = try AtomicFile.create(path)
    self.isList = isList
  }

  mutating func write(_ object: JSONOutput) throws {
    let line = object.text
    try file.write(isList ? (isEmpty ? "[\n" : ",\n") + line : line + "\n")
    isEmpty = false
  }

  mutating func commit() throws {
    if isList { try file.write(isEmpty ? "[]\n" : "\n]\n") }
    try file.commit()
  }
}

extension FilteredText {
  /// - Parameter threshold: What the text did not reach; nil for one that is kept.
  func json(threshold: Float?) -> JSONOutput {
    var members: [(key: String, value: JSONOutput?)] = [
      ("image", .string(picture)), ("caption", .string(text)),
      ("source", .string(source.provenance)),
    ]
    switch match {
    case .success(let probability):
      members.append(("match_probability", .float(probability)))
      let reason = threshold.map { "the match probability is not above \($0)" }
      members.append(("reason", reason.map { .string($0) }))
    case .failure(let error): members.append(("reason", .string(error.description)))
    }
    return .object(members)
  }
}

extension TextSource {
  /// In a word, as the paper calls it.
  var provenance: String {
    switch self {
    case .captions: "web"
    case .sidecar: "sidecar"
    case .synthetic: "synthetic"
    }
  }
}

/// How many texts of each source were kept.
struct FilterCounts {
  private var counts: [String: (kept: Int, dropped: Int, unread: Int)] = [:]

  /// Texts that are kept whatever the filter says.
  mutating func addHuman(_ number: Int) {
    if number > 0 { counts["human"] = (number, 0, 0) }
  }

  mutating func add(_ text: FilteredText, isKept: Bool) {
    var count = counts[text.source.provenance] ?? (0, 0, 0)
    if isKept {
      count.kept += 1
    } else if case .failure = text.match {
      count.unread += 1
    } else {
      count.dropped += 1
    }
    counts[text.source.provenance] = count
  }

  var table: String {
    var rows = [["source", "texts", "kept", "dropped", "unread", "kept %"]]
    func row(_ name: String, _ count: (kept: Int, dropped: Int, unread: Int)) -> [String] {
      let total = count.kept + count.dropped + count.unread
      return [
        name, "\(total)", "\(count.kept)", "\(count.dropped)", "\(count.unread)",
        total > 0 ? fixed(100 * Double(count.kept) / Double(total), 1) : "–",
      ]
    }
    rows += counts.sorted { $0.key < $1.key }.map { row($0.key, $0.value) }
    if counts.count > 1 {
      rows.append(
        row("all", counts.values.reduce((0, 0, 0)) { ($0.0 + $1.0, $0.1 + $1.1, $0.2 + $1.2) }))
    }
    return Table.aligned(rows, rightAligned: [1, 2, 3, 4, 5])
  }
}
