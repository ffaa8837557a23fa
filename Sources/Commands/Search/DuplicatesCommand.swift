import ArgumentParser
import Files
import Retrieval

struct DuplicatesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "duplicates",
    abstract: "List near-identical pictures: copies, other sizes, slight crops.",
    usage: "blip duplicates [<options>] [<folder>]",
    discussion: """
      EXAMPLES
        blip duplicates
        blip duplicates holidays/2019 --html duplicates.html
        blip duplicates --paths -0 | xargs -0 mv -t ~/spare

      Pictures are compared by perceptual hash, colour and embedding, as the index holds them. \
      In each group the largest comes first, then the sharpest; all others are near-identical to \
      it. A mirrored picture is another picture.
      """)

  @Argument(
    help: ArgumentHelp(
      "Only this folder of the collection and its subfolders.", valueName: "folder"))
  var folder: String?

  @OptionGroup(title: "Output") var output: Output
  @OptionGroup(title: "Index") var index: IndexOption

  /// What is written.
  struct Output: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print one JSON object per group.")
    var isJSON = false

    @Flag(
      name: .customLong("paths"),
      help: "Print only absolute paths, of all but the first of each group.")
    var isPaths = false

    @Flag(
      name: [.customShort("0"), .customLong("null")],
      help: "With --paths: end each path with a NUL byte, for xargs -0.")
    var endsWithNull = false

    @Option(help: ArgumentHelp("Write the groups to an HTML page.", valueName: "file"))
    var html: String?
  }

  func validate() throws {
    if folder?.isEmpty == true { throw ValidationError("The folder must not be empty.") }
    if output.isJSON && output.isPaths {
      throw ValidationError("--json cannot be combined with --paths.")
    }
    if output.endsWithNull && !output.isPaths {
      throw ValidationError("-0 (--null) requires --paths.")
    }
    if output.html?.isEmpty == true { throw ValidationError("--html must not be empty.") }
  }

  func run() async throws {
    let index = try await PictureIndex.open(index.pathReportingCrashes())
    let found = try await index.duplicates(in: folder)
    try write(found.groups)
    if let html = output.html {
      try DuplicatesPage(groups: found.groups, metadata: try index.metadata).write(to: html)
      Console.note("wrote \(printable(html))")
    }
    if found.withoutSignature > 0 {
      Console.note(
        "\(counted(found.withoutSignature, "picture")) of an older index compared byte by byte only; "
          + "run `blip index` again")
    }
    let spare = found.groups.flatMap { $0.pictures.dropFirst() }
    Console.note(
      spare.isEmpty
        ? "no near-identical pictures"
        : "\(counted(found.groups.count, "group")); all but the first of each: "
          + "\(counted(spare.count, "picture")), "
          + size(ofBytes: spare.reduce(0) { $0 + Int(clamping: $1.bytes) }))
  }

  private func write(_ groups: [DuplicateGroup]) throws {
    if output.isJSON {
      try Console.output.write(groups.map { $0.json.text + "\n" }.joined())
    } else if output.isPaths {
      for picture in groups.flatMap({ $0.pictures.dropFirst() }) {
        try Console.output.write(picture.locationBytes + [output.endsWithNull ? 0 : .newline])
      }
    } else {
      var rows: [[String]] = []
      for (number, group) in groups.enumerated() {
        for (place, picture) in group.pictures.enumerated() {
          rows.append([
            place == 0 ? "\(number + 1)" : "", "\(picture.width)×\(picture.height)",
            size(ofBytes: Int(clamping: picture.bytes)),
            printable(picture.path) + (picture.isCopy ? "  (copy)" : ""),
          ])
        }
      }
      try Console.output.write(Table.aligned(rows, rightAligned: [0, 1, 2]))
    }
  }
}

extension DuplicateGroup {
  var json: JSONOutput {
    .object([
      (
        "pictures",
        .array(
          pictures.map { picture in
            .object(
              JSONOutput.path(picture.pathBytes, "path")
                + JSONOutput.path(picture.locationBytes, "location") + [
                  ("width", .integer(picture.width)), ("height", .integer(picture.height)),
                  ("bytes", .integer(Int(clamping: picture.bytes))),
                  ("sharpness", picture.sharpness.map { .float($0) }),
                  ("copy", .boolean(picture.isCopy)),
                ])
          })
      )
    ])
  }
}

/// The HTML page that `blip duplicates --html` writes.
struct DuplicatesPage {
  let groups: [DuplicateGroup]
  let metadata: IndexMetadata

  /// Writes the page picture by picture, so that only one is in memory at a time.
  func write(to path: String) throws {
    let file = try AtomicFile(path)
    try file.write(HTMLPage.head(title: "Near-identical pictures", style: PageStyle.grid))
    try file.write(
      """
      <header>
      <h1>Near-identical pictures</h1>
      <p>\(counted(groups.count, "group")) in <b>\(escaped(metadata.name))</b>, the largest and \
      sharpest of each first</p>
      </header>

      """)
    for (number, group) in groups.enumerated() {
      try file.write(
        "<header><p>\(number + 1): \(counted(group.pictures.count, "picture"))</p></header>\n<main>\n"
      )
      for picture in group.pictures {
        let facts =
          "<span>\(picture.width)×\(picture.height)</span>"
          + "<span>\(size(ofBytes: Int(clamping: picture.bytes)))</span>"
        try file.write(
          HTMLPage.tile(
            picture.locationBytes, caption: [HTMLPage.path(picture.path)],
            scores: facts + (picture.isCopy ? "<span>copy</span>" : "")))
      }
      try file.write("</main>\n")
    }
    try file.write(HTMLPage.foot)
    try file.commit()
  }
}
