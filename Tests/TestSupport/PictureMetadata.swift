/// EXIF, XMP and IPTC made on the spot, and put into picture files.
public enum PictureMetadata {
  /// An EXIF block: a small TIFF file. Texts are ASCII or any bytes.
  public static func exif(
    make: String? = nil, model: String? = nil, description: [UInt8]? = nil, taken: String? = nil,
    latitude: Double? = nil, longitude: Double? = nil
  ) -> [UInt8] {
    var first = Directory()
    if let description { first.add(0x010E, ascii: description) }
    if let make { first.add(0x010F, ascii: Array(make.utf8)) }
    if let model { first.add(0x0110, ascii: Array(model.utf8)) }
    var photo = Directory()
    if let taken { photo.add(0x9003, ascii: Array(taken.utf8)) }
    var place = Directory()
    if let latitude, let longitude {
      place.add(1, ascii: Array((latitude < 0 ? "S" : "N").utf8))
      place.add(2, degrees: abs(latitude))
      place.add(3, ascii: Array((longitude < 0 ? "W" : "E").utf8))
      place.add(4, degrees: abs(longitude))
    }
    let start = 8
    let photoStart = start + first.size(extra: 2)
    let placeStart = photoStart + photo.size()
    first.add(0x8769, long: UInt32(photoStart))
    first.add(0x8825, long: UInt32(placeStart))
    return Array("II".utf8) + [42, 0] + bytes(UInt32(start)) + first.bytes(at: start)
      + photo.bytes(at: photoStart) + place.bytes(at: placeStart)
  }

  /// An XMP packet. `places`: city, state, country.
  public static func xmp(
    title: String? = nil, description: String? = nil, keywords: [String] = [],
    created: String? = nil, places: [String] = []
  ) -> [UInt8] {
    func alternative(_ name: String, _ text: String?) -> String {
      text.map {
        "<dc:\(name)><rdf:Alt><rdf:li xml:lang=\"x-default\">\($0)</rdf:li></rdf:Alt></dc:\(name)>"
      } ?? ""
    }
    let list = keywords.map { "<rdf:li>\($0)</rdf:li>" }.joined()
    let named = zip(["City", "State", "Country"], places).map {
      "<photoshop:\($0)>\($1)</photoshop:\($0)>"
    }
    return Array(
      """
      <?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">\
      <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description \
      rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" \
      xmlns:xmp="http://ns.adobe.com/xap/1.0/" \
      xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">\(alternative("title", title))\
      \(alternative("description", description))\
      \(keywords.isEmpty ? "" : "<dc:subject><rdf:Bag>\(list)</rdf:Bag></dc:subject>")\
      \(created.map { "<xmp:CreateDate>\($0)</xmp:CreateDate>" } ?? "")\(named.joined())\
      </rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>
      """.utf8)
  }

  /// An IPTC block in a Photoshop resource: record 2 with these datasets.
  public static func iptc(_ datasets: [(number: UInt8, text: [UInt8])]) -> [UInt8] {
    var records: [UInt8] = []
    for (number, text) in datasets {
      records += [0x1C, 2, number, UInt8(text.count >> 8), UInt8(text.count & 255)] + text
    }
    if records.count % 2 == 1 { records.append(0) }
    let size = (0..<4).map { UInt8(truncatingIfNeeded: records.count >> (24 - 8 * $0)) }
    return Array("Photoshop 3.0".utf8) + [0] + Array("8BIM".utf8) + [4, 4, 0, 0] + size + records
  }

  /// A JPEG with these blocks after its first marker.
  public static func jpeg(
    _ file: [UInt8], exif: [UInt8]? = nil, xmp: [UInt8]? = nil, iptc: [UInt8]? = nil
  ) -> [UInt8] {
    func segment(_ marker: UInt8, _ prefix: String, _ payload: [UInt8]?) -> [UInt8] {
      guard let payload else { return [] }
      let all = Array(prefix.utf8) + payload
      let length = all.count + 2
      return [0xFF, marker, UInt8(length >> 8), UInt8(length & 255)] + all
    }
    return Array(file.prefix(2)) + segment(0xE1, "Exif\0\0", exif)
      + segment(0xE1, "http://ns.adobe.com/xap/1.0/\0", xmp) + segment(0xED, "", iptc)
      + file.dropFirst(2)
  }

  /// A PNG with these blocks after its header.
  public static func png(_ file: [UInt8], exif: [UInt8]? = nil, xmp: [UInt8]? = nil) -> [UInt8] {
    let header = 8 + 25
    return Array(file.prefix(header)) + (exif.map { chunk("eXIf", $0) } ?? [])
      + (xmp.map { chunk("iTXt", Array("XML:com.adobe.xmp".utf8) + [0, 0, 0, 0, 0] + $0) } ?? [])
      + file.dropFirst(header)
  }

  private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let named = Array(type.utf8) + data
    var sum = ~UInt32(0)
    for byte in named {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return bytes(UInt32(data.count)).reversed() + named + bytes(~sum).reversed()
  }

  /// Little-endian.
  private static func bytes(_ value: UInt32) -> [UInt8] {
    [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  /// A directory of TIFF with its values behind it.
  private struct Directory {
    var entries: [(tag: UInt16, type: UInt8, count: Int, value: [UInt8])] = []

    mutating func add(_ tag: UInt16, ascii text: [UInt8]) {
      entries.append((tag, 2, text.count + 1, text + [0]))
    }

    mutating func add(_ tag: UInt16, long: UInt32) {
      entries.append((tag, 4, 1, PictureMetadata.bytes(long)))
    }

    /// Three rationals: degrees, minutes, and seconds to a thousandth.
    mutating func add(_ tag: UInt16, degrees: Double) {
      let minutes = (degrees - degrees.rounded(.down)) * 60
      let seconds = (minutes - minutes.rounded(.down)) * 60
      let numbers = [
        UInt32(degrees), 1, UInt32(minutes), 1, UInt32((seconds * 1000).rounded()), 1000,
      ]
      entries.append((tag, 5, 3, numbers.flatMap(PictureMetadata.bytes)))
    }

    func size(extra: Int = 0) -> Int {
      6 + 12 * (entries.count + extra)
        + entries.reduce(0) { $0 + ($1.value.count > 4 ? $1.value.count : 0) }
    }

    func bytes(at start: Int) -> [UInt8] {
      var table = [UInt8(entries.count), 0]
      var values: [UInt8] = []
      let valuesStart = start + 6 + 12 * entries.count
      for entry in entries {
        table += [UInt8(entry.tag & 255), UInt8(entry.tag >> 8), entry.type, 0]
        table += PictureMetadata.bytes(UInt32(entry.count))
        if entry.value.count > 4 {
          table += PictureMetadata.bytes(UInt32(valuesStart + values.count))
          values += entry.value
        } else {
          table += entry.value + Array(repeating: 0, count: 4 - entry.value.count)
        }
      }
      return table + [0, 0, 0, 0] + values
    }
  }
}
