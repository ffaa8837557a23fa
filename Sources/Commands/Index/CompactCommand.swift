import ArgumentParser
import Retrieval

struct CompactCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Gives the disk back what deleted pictures have left of an index's file.",
    discussion: """
      An index keeps the space of what is deleted or replaced for what comes later. This writes its \
      file anew without it, looks whether the new one is sound, and puts it in place of the old one. \
      Meanwhile nobody else can use the index. It can be interrupted at any moment.

      EXAMPLES
        blip compact
        blip compact --index indexes/photos
      """)

  @OptionGroup var index: IndexOption

  func run() throws {
    let path = try index.path()
    let compaction = try IndexCompaction(path)
    let needed = "compacting takes \(size(ofBytes: compaction.bytesNeeded)) of free disk space"
    let free = size(ofBytes: compaction.bytesFree)
    guard compaction.bytesNeeded <= compaction.bytesFree else {
      throw CommandFailure(
        "\(printable(path)): \(needed), and only \(free) are free: free some and run again (nothing "
          + "was changed)")
    }
    Console.note("\(printable(path)): \(needed); \(free) are free")
    let before = compaction.bytesBefore
    let after = try compaction.run()
    try Console.output.write(
      Table.facts([
        ("before", size(ofBytes: before)), ("after", size(ofBytes: after)),
        ("given back", size(ofBytes: max(0, before - after))), ("index", printable(path)),
      ]))
  }
}
