import ArgumentParser
import Retrieval

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Looks whether everything in an index is as it should be, and mends it.",
    discussion: """
      Every row of every table is read, checksums are reckoned again, and tables that tell of each \
      other are compared. The exit code is 0 where the index is sound and 1 where it is not.

      --repair makes anew what follows from the rest (the ways from paths to pictures, the vector \
      index), and drops pictures and texts that have lost a part: the next `blip index` encodes \
      them again. What is whole stays.

      EXAMPLES
        blip check
        blip check --repair --index indexes/photos
      """)

  @OptionGroup var index: IndexOption

  @Flag(name: .customLong("repair"), help: "Mend what is wrong.")
  var repairs = false

  @Flag(name: .customLong("json"), help: "Write one JSON object.")
  var writesJSON = false

  func run() throws {
    let path = try index.path()
    var repair: IndexRepair?
    let check: IndexCheck
    do {
      let store = try repairs ? IndexStore.openToRepair(path) : IndexStore.open(path)
      if let warning = store.warning { Console.note(warning) }
      if repairs { repair = try store.repair(whenHeld: Console.noteWaiting) }
      check =
        if let repair, repair.check.isSound { repair.check } else {
          try store.read { try $0.check() }
        }
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
          ("pictures dropped", "\(repair.pictures)"), ("texts dropped", "\(repair.texts)"),
        ])
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
    case .mend: "--repair mends it"
    case .reindex: "--repair drops it, and blip index encodes it again"
    case .none: "nothing mends it"
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
            ("texts_dropped", .integer($0.texts)),
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

  /// The last line says what to do.
  private func end(_ check: IndexCheck, _ repair: IndexRepair?, path: String) throws {
    let command = "blip check --repair --index \(printable(path))"
    guard check.isSound else {
      let count = counted(check.faults.reduce(0) { $0 + $1.count }, "fault")
      if check.count(.none) > 0 {
        throw CommandFailure(
          "\(printable(path)): \(count), not all of which can be mended: take a copy that is sound, "
            + "or delete the folder and index again")
      }
      throw CommandFailure("\(printable(path)): \(count); mend with `\(command)`")
    }
    guard let repair, !repair.check.isSound else { return }
    Console.note(
      repair.pictures + repair.texts > 0
        ? "\(printable(path)): mended, without \(counted(repair.pictures, "picture")) and "
          + "\(counted(repair.texts, "text")): run `blip index` as before to encode them again"
        : "\(printable(path)): mended; no picture and no text was dropped")
  }
}
