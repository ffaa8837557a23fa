import FoundationEssentials
import TestSupport
import Testing

@Suite("Messages of the libraries") struct MessageTests {
  @Test("name no option of a command: the command adds its advice") func options() throws {
    let option = try Regex("\"[^\"]*--[a-z]")
    let sources = Checkout.root + "/Sources"
    for target in try FileManager.default.contentsOfDirectory(atPath: sources)
    where target != "Commands" {
      let folder = "\(sources)/\(target)"
      for file in try FileManager.default.subpathsOfDirectory(atPath: folder)
      where file.hasSuffix(".swift") {
        let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
        for line in text.split(separator: "\n") where !line.contains("///") {
          #expect(line.firstMatch(of: option) == nil, "\(target)/\(file)")
        }
      }
    }
  }
}
