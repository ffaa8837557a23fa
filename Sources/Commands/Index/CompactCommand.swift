import ArgumentParser
import Files
import Retrieval
import Store

struct CompactCommand: ParsableCommand {
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

  func run() throws {
    let path = try index.pathReportingCrashes()
    let compaction = try IndexCompaction(path)
    let needed = "compacting needs \(size(ofBytes: compaction.bytesNeeded)) of free disk space"
    let free = size(ofBytes: compaction.bytesFree)
    guard compaction.bytesNeeded <= compaction.bytesFree else {
      throw CommandFailure(
        "\(printable(path)): \(needed), and only \(free) are free; free some and run again (nothing "
          + "was changed)")
    }
    Console.note("\(printable(path)): \(needed); \(free) are free")
    let before = compaction.bytesBefore
    let after = try compaction.run()
    try Console.output.write(
      Table.facts([
        ("before", size(ofBytes: before)), ("after", size(ofBytes: after)),
        ("reclaimed", size(ofBytes: max(0, before - after))), ("index", printable(path)),
      ]))
  }
}
