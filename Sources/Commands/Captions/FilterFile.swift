import Files
import Retrieval

/// A file of texts with their pictures, sources and probabilities: BLIP's JSON list of
/// `{"image", "caption"}`, or one such object per line.
struct FilterFile: ~Copyable {
  private let file: AtomicFile
  private let isList: Bool
  private var isEmpty = true

  init(_ path: String, isList: Bool) throws {
    file = try AtomicFile(path)
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
  /// - Parameters:
  ///   - threshold: The threshold that the text failed to exceed; nil if it was kept.
  ///   - isCalibrated: Whether its probability is calibrated, and not that of a match.
  func json(threshold: Float?, isCalibrated: Bool) -> JSONOutput {
    var members: [(key: String, value: JSONOutput?)] = [
      ("image", .string(picture)), ("caption", .string(text)),
      ("source", .string(source.provenance)),
    ]
    switch self.probability {
    case .success(let probability):
      members.append(
        (
          isCalibrated ? "probability" : "match_probability", .float(probability)
        ))
      let reason = threshold.map { "probability not above \($0)" }
      members.append(("reason", reason.map { .string($0) }))
    case .failure(let error): members.append(("reason", .string(error.description)))
    }
    return .object(members)
  }
}

extension TextSource {
  /// The paper's word for the source.
  var provenance: String {
    switch self {
    case .captions: "web"
    case .sidecar: "sidecar"
    case .synthetic: "synthetic"
    }
  }
}
