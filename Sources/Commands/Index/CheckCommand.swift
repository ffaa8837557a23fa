import ArgumentParser
import Files
import Retrieval

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Verify an index, and optionally repair it.",
    discussion: """
      EXAMPLES
        blip check
        blip check --repair --index indexes/photos

      Every page of the file and every row of every table is read, its checksum verified, and the \
      tables are compared with each other. The exit code is 0 if the index is sound and 1 if it is not.

      --repair writes what is sound into a new file, which takes the place of the old one when it is \
      complete: that needs room on the disk for both. What is lost is named; the next blip index \
      encodes it again. No other process may have the index open meanwhile.
      """)

  @OptionGroup var index: IndexOption

  @Flag(name: .customLong("repair"), help: "Repair what is damaged.")
  var repairs = false

  @Flag(name: .customLong("json"), help: "Print one JSON object.")
  var writesJSON = false

  func run() async throws {
    let path = try index.pathReportingCrashes()
    let repair =
      repairs
      ? try await PictureIndex.repair(at: path, waiting: { Console.noteWaiting(for: $0) }) : nil
    let check =
      if let repair, repair.check.isSound { repair.check } else {
        try await PictureIndex.check(at: path)
      }
    if check.isSound, let warning = try await PictureIndex.open(path).warning {
      Console.note(warning)
    }
    try Console.output.write(
      writesJSON
        ? Self.json(check, repair, path: path).text + "\n" : Self.text(check, repair))
    try end(check, repair, path: path)
  }

  private static func text(_ check: IndexCheck, _ repair: IndexRepair?) -> String {
    var text = ""
    if let repair, !repair.check.isSound {
      text += faults(repair.check, heading: "found") + "\n"
      if check != repair.check {
        text += Table.facts([
          ("pictures lost", repair.counted(repair.pictures)),
          ("texts lost", repair.counted(repair.texts)),
        ])
        for path in repair.paths.prefix(IndexCheck.mostExamples) {
          text += "  \(printable(path))\n"
        }
        let rest = repair.pictures - min(repair.paths.count, IndexCheck.mostExamples)
        if rest > 0, !repair.paths.isEmpty { text += "  and \(rest) more\n" }
        text += "\n"
      }
    }
    text += Table.aligned(
      [["table", "entries"]] + check.tables.map { [$0.name, "\($0.entries)"] }, rightAligned: [1])
    return text + "\n" + (check.isSound ? "sound\n" : faults(check, heading: "not sound"))
  }

  private static func faults(_ check: IndexCheck, heading: String) -> String {
    var text = heading + ":\n"
    for fault in check.faults {
      text += "  \(fault.table): \(fault.count) (\(words(fault.repair)))\n"
      for example in fault.examples { text += "    \(printable(example))\n" }
      let rest = fault.count - fault.examples.count
      if rest > 0 { text += "    and \(rest) more\n" }
    }
    return text
  }

  private static func words(_ repair: IndexCheck.Repair) -> String {
    switch repair {
    case .rebuild: "--repair fixes it"
    case .reindex: "--repair recovers it, or removes it and blip index encodes it again"
    }
  }

  private static func json(_ check: IndexCheck, _ repair: IndexRepair?, path: String) -> JSONOutput
  {
    .object([
      ("index", .string(path)), ("sound", .boolean(check.isSound)),
      (
        "tables",
        .array(
          check.tables.map {
            .object([("name", .string($0.name)), ("entries", .integer($0.entries))])
          })
      ),
      ("faults", json(check.faults)),
      (
        "repaired",
        repair.map {
          .object([
            ("faults", json($0.check.faults)), ("pictures_dropped", .integer($0.pictures)),
            ("texts_dropped", .integer($0.texts)), ("counted", .boolean($0.isCounted)),
            ("paths_dropped", .array($0.paths.map { .string(printable($0)) })),
          ])
        }
      ),
    ])
  }

  private static func json(_ faults: [IndexCheck.Fault]) -> JSONOutput {
    .array(
      faults.map { fault in
        .object([
          ("table", .string(fault.table)), ("repair", .string(fault.repair.rawValue)),
          ("count", .integer(fault.count)),
          ("examples", .array(fault.examples.map { .string($0) })),
        ])
      })
  }

  /// Says on standard error what to do next, and fails if the index is not sound.
  private func end(_ check: IndexCheck, _ repair: IndexRepair?, path: String) throws {
    let command = "blip check --repair --index \(printable(path))"
    guard check.isSound else {
      let count = counted(check.faults.reduce(0) { $0 + $1.count }, "fault")
      throw CommandFailure("\(printable(path)): \(count); to repair, run `\(command)`")
    }
    guard let repair, !repair.check.isSound else { return }
    let lost =
      "\(counted(repair.pictures, "picture")) and \(counted(repair.texts, "text"))"
    let result =
      if !repair.isCounted {
        "what was lost cannot be counted (\(lost) at least), and what was removed last may be back: "
          + "run `blip index` as before"
      } else if repair.pictures + repair.texts > 0 {
        "\(lost) were lost: run `blip index` as before to encode them again"
      } else { "no picture or text was lost" }
    Console.note("\(printable(path)): repaired; \(result)")
  }
}

extension IndexRepair {
  /// A number of what was lost.
  fileprivate func counted(_ number: Int) -> String {
    isCounted ? "\(number)" : "\(number) or more"
  }
}
