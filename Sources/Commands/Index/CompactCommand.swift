import ArgumentParser
import Files
import Retrieval

struct CompactCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Reclaim disk space left by deleted pictures.",
    discussion: """
      EXAMPLES
        blip compact
        blip compact --index indexes/photos

      The file of an index does not shrink when pictures are deleted or replaced; later pictures \
      reuse the space. This writes a copy without the unused space, verifies it, and replaces the \
      file with it. No other process can use the index meanwhile. A run can be interrupted at any \
      time.
      """)

  @OptionGroup var index: IndexOption

  func run() async throws {
    let path = try index.pathReportingCrashes()
    let (before, after) = try await compact(path)
    try Console.output.write(
      Table.facts([
        ("before", size(ofBytes: before)), ("after", size(ofBytes: after)),
        ("reclaimed", size(ofBytes: max(0, before - after))), ("index", printable(path)),
      ]))
  }

  private func compact(_ path: String) async throws -> (bytesBefore: Int, bytesAfter: Int) {
    try await PictureIndex.open(path).compact { plan in
      let needed = "compacting needs \(size(ofBytes: plan.bytesNeeded)) of free disk space"
      let free = size(ofBytes: plan.bytesFree)
      guard plan.bytesNeeded <= plan.bytesFree else {
        throw CommandFailure(
          "\(printable(path)): \(needed), and only \(free) are free; free some and run again (nothing "
            + "was changed)")
      }
      Console.note("\(printable(path)): \(needed); \(free) are free")
    }
  }
}
