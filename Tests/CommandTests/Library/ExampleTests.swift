import FoundationEssentials
import TestSupport
import Testing

@Suite("docs/Examples") struct ExampleTests {
  @Test("find-pictures indexes a folder, and the next time only what is new") func findPictures() {
    let photos = TemporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: photos.path + ".index") }
    for number in 0..<3 { photos.write("\(number).jpg", Drawing.jpeg(number)) }
    func run() -> Outcome {
      BlipProcess(
        [photos.path, "coloured stripes"],
        binary: BlipProcess.built("find-pictures")
      ).outcome()
    }
    let first = run()
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.lines.first == "3 pictures, 3 to encode")
    #expect(first.lines.count == 2 + 3)
    #expect(first.lines.last?.contains(photos.path) == true)

    photos.write("3.jpg", Drawing.jpeg(3))
    #expect(run().lines.first == "4 pictures, 1 to encode")
  }
}
