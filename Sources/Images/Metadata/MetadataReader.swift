internal import CGExiv2
internal import Synchronization

/// Reads ``PictureDetails`` by libgexiv2, which is loaded when the first file is read.
package enum MetadataReader {
  /// libgexiv2 is not safe to use from several threads.
  private static let lock = Mutex(())

  /// Whether libgexiv2 is installed; without it no file says anything.
  package static var isAvailable: Bool { metadata_is_available() }

  /// What a file says of itself; empty if that cannot be read.
  static func details(of bytes: [UInt8]) -> PictureDetails {
    lock.withLock { _ in
      guard let file = metadata_open(bytes, bytes.count) else { return PictureDetails() }
      defer { metadata_close(file) }
      return MetadataFile(file: file).details
    }
  }
}

/// The tags of one file. Where several standards have a place for the same thing, the first that is
/// there is taken: XMP, which programs for photographs write, then IPTC, then EXIF.
private struct MetadataFile {
  let file: OpaquePointer

  var details: PictureDetails {
    PictureDetails(
      title: first([
        "Xmp.dc.title", "Iptc.Application2.ObjectName", "Xmp.photoshop.Headline",
        "Iptc.Application2.Headline", "Exif.Image.XPTitle",
      ]),
      description: first([
        "Xmp.dc.description", "Iptc.Application2.Caption", "Exif.Image.ImageDescription",
        "Exif.Photo.UserComment", "Exif.Image.XPComment", "Exif.Image.XPSubject",
      ]),
      keywords: list("Xmp.dc.subject") + list("Iptc.Application2.Keywords")
        + list("Exif.Image.XPKeywords").flatMap { $0.split(separator: ";").map(String.init) },
      taken: taken, camera: camera,
      places: [
        first(["Xmp.iptc.Location", "Iptc.Application2.SubLocation"]),
        first(["Xmp.photoshop.City", "Iptc.Application2.City"]),
        first(["Xmp.photoshop.State", "Iptc.Application2.ProvinceState"]),
        first(["Xmp.photoshop.Country", "Iptc.Application2.CountryName"]),
      ].compactMap { $0 },
      coordinates: coordinates)
  }

  /// When the shutter was released, else when the picture was digitized or made.
  private var taken: Int64? {
    for tag in [
      "Exif.Photo.DateTimeOriginal", "Xmp.exif.DateTimeOriginal", "Xmp.photoshop.DateCreated",
    ] {
      if let time = text(tag).flatMap(CameraTime.seconds) { return time }
    }
    if let date = text("Iptc.Application2.DateCreated") {
      let time = text("Iptc.Application2.TimeCreated").map { "T" + $0 } ?? ""
      if let time = CameraTime.seconds(date + time) { return time }
    }
    for tag in ["Exif.Photo.DateTimeDigitized", "Xmp.xmp.CreateDate", "Exif.Image.DateTime"] {
      if let time = text(tag).flatMap(CameraTime.seconds) { return time }
    }
    return nil
  }

  /// Maker and model; most models already begin with their maker's name.
  private var camera: String? {
    let make = first(["Exif.Image.Make", "Xmp.tiff.Make"])
    let model = first(["Exif.Image.Model", "Xmp.tiff.Model"])
    guard let make, let model else { return model ?? make }
    let brand = make.split(separator: " ").first ?? ""
    return model.lowercased().hasPrefix(brand.lowercased()) ? model : "\(make) \(model)"
  }

  private var coordinates: PictureDetails.Coordinates? {
    var (latitude, longitude) = (0.0, 0.0)
    guard metadata_coordinates(file, &latitude, &longitude) else { return nil }
    return PictureDetails.Coordinates(latitude: latitude, longitude: longitude)
  }

  /// What cameras write where a person has written nothing.
  private static let phrasesOfCameras: Set<String> = [
    "olympus digital camera", "konica minolta digital camera", "minolta digital camera", "sony dsc",
    "samsung", "exif_jpeg_picture", "exif jpeg", "digital camera", "kodak digital still camera",
    "default", "dcim", "binary comment", "untitled", "ascii", "charset=ascii",
  ]

  private func first(_ tags: [String]) -> String? {
    for tag in tags {
      let text = PictureDetails.cleaned(
        list(tag).first { !$0.isEmpty } ?? text(tag), most: PictureDetails.Limit.description)
      if let text, !Self.phrasesOfCameras.contains(text.lowercased()) { return text }
    }
    return nil
  }

  private func text(_ tag: String) -> String? {
    guard let text = metadata_copy_text(file, tag) else { return nil }
    defer { metadata_free_text(text) }
    return Self.string(text)
  }

  /// XMP and IPTC have lists; of EXIF it is the one text.
  private func list(_ tag: String) -> [String] {
    guard !tag.hasPrefix("Exif.") else { return text(tag).map { [$0] } ?? [] }
    guard let list = metadata_copy_list(file, tag) else { return [] }
    defer { metadata_free_list(list) }
    var texts: [String] = []
    var next = list
    while let text = next.pointee {
      texts.append(Self.string(text))
      next += 1
    }
    return texts
  }

  /// UTF-8, else Latin-1, which programs wrote before; without the language of an XMP text.
  private static func string(_ text: UnsafePointer<CChar>) -> String {
    var result: String
    if let valid = String(validatingCString: text) {
      result = valid
    } else {
      var scalars = String.UnicodeScalarView()
      var next = text
      while next.pointee != 0 {
        scalars.append(Unicode.Scalar(UInt8(bitPattern: next.pointee)))
        next += 1
      }
      result = String(scalars)
    }
    if result.hasPrefix("lang=\""), let end = result.firstRange(of: "\" ") {
      result = String(result[end.upperBound...])
    }
    return result
  }
}
