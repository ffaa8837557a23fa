import FoundationEssentials
import TestSupport
import Testing

/// A Markdown page of the repository.
private struct Page {
  /// Relative to the root of the checkout.
  let path: String
  let text: String

  init(_ path: String) throws {
    self.path = path
    let bytes = try Data(contentsOf: URL(filePath: "\(Checkout.root)/\(path)"))
    text = String(decoding: bytes, as: UTF8.self)
  }

  private var folder: String {
    path.lastIndex(of: "/").map { String(path[..<$0]) + "/" } ?? ""
  }

  /// Targets of links within the repository, without their fragments.
  var links: [String] {
    text.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) }
      .filter { !$0.contains("://") && !$0.hasPrefix("#") }
      .map { String($0.prefix { $0 != "#" }) }
  }

  /// Code: spans between backticks, and lines of fenced or indented blocks.
  var code: [String] {
    var code: [String] = []
    var isFenced = false
    for line in text.split(separator: "\n") {
      if line.hasPrefix("```") {
        isFenced.toggle()
      } else if isFenced || line.hasPrefix("    ") {
        code.append(String(line).trimmed)
      }
    }
    let prose = text.replacing(/```[\s\S]*?```/, with: "")
    return code + prose.matches(of: /`([^`]+)`/).map { String($0.1) }
  }

  /// Whether a file or folder that the page names exists: relative to the root, to the sources, or to
  /// the page itself.
  func exists(_ name: String) -> Bool {
    ["", "Sources/", "Tests/", folder].contains { Checkout.has("\(Checkout.root)/\($0)\(name)") }
  }
}

@Suite("The pages")
struct PagesTests {
  static let pages = [
    "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "indexes/README.md",
    "Benchmarks/README.md", "Benchmarks/RERANK.md", "Sources/BLIP/Resources/blip-mini/README.md",
  ]

  @Test("link to what exists", arguments: pages)
  func links(path: String) throws {
    let page = try Page(path)
    for link in page.links { #expect(page.exists(link), "\(link)") }
  }

  @Test(
    "name files that exist",
    arguments: ["ARCHITECTURE.md", "CONTRIBUTING.md", "Benchmarks/README.md"])
  func files(path: String) throws {
    let page = try Page(path)
    let names = page.code.compactMap { $0.wholeMatch(of: /[A-Z][\w-]*(\/[\w.-]+)+\/?/)?.output.0 }
    #expect(!names.isEmpty)
    for name in names where !name.hasSuffix(".bench.json") {
      #expect(page.exists(String(name)), "\(name)")
    }
  }

  @Test("name targets that the Makefile has", arguments: pages)
  func makeTargets(path: String) throws {
    let makefile = try Page("Makefile").text
    let targets = Set(makefile.matches(of: /(?m)^([a-z-]+):/).map { String($0.1) })
    for code in try Page(path).code {
      guard let target = code.prefixMatch(of: /(?:\$ )?make ([a-z-]+)/)?.1 else { continue }
      #expect(targets.contains(String(target)), "\(code)")
    }
  }

  @Test("use commands and options that blip has", arguments: pages)
  func commands(path: String) throws {
    for code in try Page(path).code {
      guard let command = code.prefixMatch(of: /(?:\$ )?blip ([a-z]+)(?: ([a-z]+))?.*/) else {
        continue
      }
      let verb = String(command.1)
      guard verb != "help" else { continue }
      let help = Self.help(of: [verb], or: command.2.map { [verb, String($0)] })
      #expect(help != nil, "\(code)")
      let line = code.prefix { $0 != "#" && $0 != "|" }
      for option in line.matches(of: /\s(--[a-z][a-z-]+)/).map({ String($0.1) }) {
        #expect(help?.contains(option) ?? true, "\(code): \(option)")
      }
    }
  }

  /// Help of the longer command if there is one, else of the shorter; nil if there is neither.
  private static func help(of verb: [String], or longer: [String]?) -> String? {
    guard let page = helpOfVerb[verb[0]] else { return nil }
    return longer.flatMap { HelpTests.verbs.contains($0) ? text($0) : nil } ?? page
  }

  private static let helpOfVerb: [String: String] = Dictionary(
    uniqueKeysWithValues: HelpTests.verbs.filter { $0.count == 1 }.map { ($0[0], text($0)) })

  private static func text(_ verb: [String]) -> String {
    BlipProcess(verb + ["--help"]).outcome().output
  }
}
