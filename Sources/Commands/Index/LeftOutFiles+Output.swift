import Files
import Retrieval

extension LeftOutKind {
  /// How many files of the kind, in words.
  func counted(_ count: Int) -> String {
    switch self {
    case .video: count == 1 ? "1 video" : "\(count) videos"
    case .pdf: count == 1 ? "1 PDF" : "\(count) PDFs"
    case .raw: count == 1 ? "1 unknown RAW file" : "\(count) unknown RAW files"
    case .picture:
      count == 1 ? "1 picture of another format" : "\(count) pictures of other formats"
    case .other: count == 1 ? "1 other file" : "\(count) other files"
    case .linkedFolder: count == 1 ? "1 linked folder" : "\(count) linked folders"
    case .systemFolder:
      count == 1
        ? "1 folder of thumbnails or deleted files"
        : "\(count) folders of thumbnails or deleted files"
    case .hidden: "\(count) hidden"
    case .excluded: "\(count) excluded"
    case .ignored: "\(count) ignored"
    case .special: count == 1 ? "1 pipe, socket or device" : "\(count) pipes, sockets or devices"
    }
  }

  /// "12 videos, 1 PDF", in the order of the kinds.
  static func describe(_ counts: [LeftOutKind: Int]) -> String {
    allCases.compactMap { kind in counts[kind].map { kind.counted($0) } }.joined(separator: ", ")
  }
}

extension [LeftOutFile] {
  /// One line for each file.
  var table: String {
    guard !isEmpty else { return "left out: no files\n" }
    var counts: [LeftOutKind: Int] = [:]
    for file in self { counts[file.kind, default: 0] += 1 }
    return "left out: \(LeftOutKind.describe(counts))\n"
      + map { "  \(printable($0.path)): \($0.kind.rawValue)\n" }.joined()
  }

  var json: JSONOutput {
    .array(
      map {
        .object(JSONOutput.path($0.path, "path") + [("kind", .string($0.kind.rawValue))])
      })
  }
}
