/// Uncompressed grey TIFF files of several pages, each of one value.
enum TIFFBuilder {
  struct Page {
    let width, height: Int
    let value: UInt8
    /// NewSubfileType: 1 is a reduced picture, 4 a mask.
    var kind: Int? = nil
    /// The older SubfileType: 2 is a reduced picture.
    var oldKind: Int? = nil
  }

  static func file(_ pages: [Page], dngVersion: Bool = false) -> [UInt8] {
    var bytes: [UInt8] = Array("II".utf8) + [42, 0] + littleEndian(8, 4)
    for (number, page) in pages.enumerated() {
      // The directory, then the pixels.
      var entries: [(tag: Int, type: Int, value: Int)] = [
        (256, 4, page.width), (257, 4, page.height), (258, 3, 8), (259, 3, 1), (262, 3, 1),
        (277, 3, 1), (278, 4, page.height), (279, 4, page.width * page.height),
      ]
      if let kind = page.kind { entries.append((254, 4, kind)) }
      if let kind = page.oldKind { entries.append((255, 3, kind)) }
      if dngVersion { entries.append((50706, 1, 1)) }
      let pixels = bytes.count + 2 + 12 * (entries.count + 1) + 4
      entries.append((273, 4, pixels))
      bytes += littleEndian(entries.count, 2)
      for entry in entries.sorted(by: { $0.tag < $1.tag }) {
        bytes += littleEndian(entry.tag, 2) + littleEndian(entry.type, 2)
        bytes += littleEndian(entry.type == 1 ? 4 : 1, 4) + littleEndian(entry.value, 4)
      }
      let next = pixels + page.width * page.height
      bytes += littleEndian(number == pages.count - 1 ? 0 : next, 4)
      bytes += [UInt8](repeating: page.value, count: page.width * page.height)
    }
    return bytes
  }
}
