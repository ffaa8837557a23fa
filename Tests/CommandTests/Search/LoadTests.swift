import Glibc
import Testing

@Suite("Searching while pictures are indexed") struct LoadTests {
  @Test("Three readers at a time search without an error, and what they find only grows")
  func readers() throws {
    let collection = Collection(pictures: 4)
    collection.update()
    for number in 4..<30 { collection.add(Collection.name(number), Drawing.mosaic(number)) }
    let writer = BlipProcess(["index", collection.pictures, "--index", collection.index])

    var found = 4
    repeat {
      let readers = (0..<3).map { _ in
        BlipProcess([
          "search", "stripes", "--index", collection.index, "--json", "-k", "100", "--all",
        ])
      }
      let outcomes = readers.map { $0.outcome() }
      let counts = try outcomes.map { outcome in
        #expect(outcome.status == 0 && outcome.warnings.isEmpty, "\(outcome.errors)")
        return Set(try outcome.objects(PictureLine.self).map(\.path)).count
      }
      #expect(counts.allSatisfy { $0 >= found }, "\(counts) where there were \(found)")
      found = counts.max() ?? found
    } while !writer.hasEnded
    let outcome = writer.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try collection.info().pictures == 30)
  }
}
