import Testing

/// The help page of a verb, as a terminal of 80 columns shows it.
private struct HelpPage {
  let lines: [Substring]
  /// Sections such as "OPTIONS", each with its entries.
  private(set) var sections: [(title: String, entries: [Entry])] = []

  /// An argument, option or subcommand.
  struct Entry {
    let label: String
    var description: String
  }

  /// Entries and their descriptions begin in these columns.
  private static let (labelColumn, descriptionColumn) = (2, 26)

  init(verb: [String]) {
    let outcome = BlipProcess(verb + ["--help"], environment: ["COLUMNS": "80"]).outcome()
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    let usage = lines.firstIndex { $0.hasPrefix("USAGE: ") } ?? lines.endIndex
    for block in lines[usage...].split(whereSeparator: \.isEmpty).dropFirst() {
      guard let title = block.first, title.hasSuffix(":") else { continue }
      sections.append((String(title.dropLast()), Self.entries(block.dropFirst())))
    }
  }

  private static func entries(_ lines: ArraySlice<Substring>) -> [Entry] {
    var entries: [Entry] = []
    for line in lines {
      let text = String(line).trimmed
      if line.prefix(while: { $0 == " " }).count == descriptionColumn {
        entries[entries.count - 1].description += " " + text
      } else if let gap = line.dropFirst(labelColumn).firstRange(of: "  ") {
        entries.append(
          Entry(
            label: String(line[..<gap.lowerBound]).trimmed,
            description: String(line[gap.upperBound...]).trimmed))
      } else if line.count > descriptionColumn, line.prefix(descriptionColumn).last == " " {
        entries.append(
          Entry(
            label: String(line.prefix(descriptionColumn)).trimmed,
            description: String(line.dropFirst(descriptionColumn))))
      } else {
        entries.append(Entry(label: text, description: ""))
      }
    }
    return entries
  }

  /// The names of the subcommands. That of the default one is followed by "(default)".
  var subcommands: [String] {
    (sections.first { $0.title == "SUBCOMMANDS" }?.entries ?? []).map {
      $0.label.replacing(" (default)", with: "")
    }
  }

  /// The options of the verb itself, each with the title of its section.
  var options: [(section: String, label: String)] {
    sections.flatMap { section in
      section.entries.filter { $0.label.hasPrefix("-") }.map { (section.title, $0.label) }
    }.filter { !["--version", "-h, --help"].contains($0.label) }
  }
}

@Suite("Help")
struct HelpTests {
  /// Every verb that help lists, and the verbs below it.
  static let verbs: [[String]] = HelpPage(verb: []).subcommands.flatMap { verb in
    [[verb]] + HelpPage(verb: [verb]).subcommands.map { [verb, $0] }
  }

  @Test("lists every verb")
  func complete() {
    #expect(Self.verbs.count > 15 && Self.verbs.contains(["model", "pull"]))
  }

  @Test("fits 80 columns and starts with examples", arguments: verbs + [[]])
  func layout(verb: [String]) throws {
    let lines = HelpPage(verb: verb).lines
    for line in lines { #expect(line.count <= 80, "\(line)") }
    try #require(lines.count > 4)
    #expect(lines[0].hasPrefix("OVERVIEW: ") && lines[0].hasSuffix("."))
    #expect(lines[1].isEmpty && lines[2] == "EXAMPLES")
    let examples = lines[3...].prefix { !$0.isEmpty }
    #expect(!examples.isEmpty)
    // A wrapped example would continue without its indentation.
    #expect(examples.allSatisfy { $0.hasPrefix("  ") && $0.count <= 78 })
    #expect(examples.contains { $0.hasPrefix("  " + (["blip"] + verb).joined(separator: " ")) })
  }

  @Test("describes every argument and option", arguments: verbs + [[]])
  func descriptions(verb: [String]) {
    let page = HelpPage(verb: verb)
    #expect(page.sections.contains { $0.title == "OPTIONS" })
    for entry in page.sections.flatMap(\.entries) {
      #expect(entry.description.count > 4, "\(entry.label)")
    }
  }

  @Test("has more than six options in groups with titles", arguments: verbs)
  func groups(verb: [String]) {
    let options = HelpPage(verb: verb).options
    guard options.count > 6 else { return }
    for option in options { #expect(option.section != "OPTIONS", "\(option.label)") }
  }
}
