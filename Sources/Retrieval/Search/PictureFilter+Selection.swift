internal import Files
internal import Glibc
internal import Images
internal import Store

extension PictureFilter {
  /// The pictures of an index that pass a filter.
  struct Selection {
    /// Nil where all do.
    var ids: Set<UInt64>?
    /// The first condition that no picture was left by, and how many were left before it.
    var emptied: (by: Condition, of: Int)?
  }

  /// The pictures that pass. A folder that holds none of the index's pictures is an error: its name is
  /// wrong.
  func selection(in snapshot: borrowing IndexSnapshot) throws -> Selection {
    let conditions = conditions
    guard !conditions.isEmpty else { return Selection() }
    let included = try pictures(below: folders, in: snapshot)
    let excluded = try pictures(below: excludedFolders, in: snapshot)
    if conditions == [.folders] { return Selection(ids: included) }
    if conditions == [.folders, .excludedFolders] {
      let ids = included.subtracting(excluded)
      return Selection(ids: ids, emptied: ids.isEmpty ? (.excludedFolders, included.count) : nil)
    }

    let test = PictureTest(self)
    var ids: Set<UInt64> = []
    // How many pictures pass the conditions up to each.
    var passed = [Int](repeating: 0, count: conditions.count)
    try snapshot.forEachPicture { id, record in
      // Read only where a condition asks for it.
      var details: PictureDetails??
      func readDetails() throws -> PictureDetails? {
        if let details { return details }
        let read = try snapshot.details(picture: id)
        details = .some(read)
        return read
      }
      for (index, condition) in conditions.enumerated() {
        let passes =
          switch condition {
          case .folders: included.contains(id)
          case .excludedFolders: !excluded.contains(id)
          case .formats: test.hasFormat(record)
          case .shape: test.hasShape(record)
          case .since: test.isSince(record, try readDetails())
          case .until: test.isUntil(record, try readDetails())
          case .camera: test.hasCamera(try readDetails())
          case .area: test.isInArea(try readDetails())
          case .properties:
            try test.hasProperties(readDetails) { try !snapshot.texts(of: id).isEmpty }
          }
        guard passes else { return }
        passed[index] += 1
      }
      ids.insert(id)
    }
    let emptied = passed.firstIndex(of: 0).map { index in
      (by: conditions[index], of: index == 0 ? nil : passed[index - 1])
    }
    return Selection(
      ids: ids,
      emptied: try emptied.map { ($0.by, try $0.of ?? snapshot.pictureCount()) })
  }

  private func pictures(
    below folders: [String], in snapshot: borrowing IndexSnapshot
  ) throws -> Set<UInt64> {
    var ids: Set<UInt64> = []
    for folder in folders { ids.formUnion(try Self.pictures(below: folder, in: snapshot)) }
    return ids
  }

  private static func pictures(
    below folder: String, in snapshot: borrowing IndexSnapshot
  ) throws -> Set<UInt64> {
    let roots = snapshot.metadata.roots
    var ids: Set<UInt64> = []
    for root in roots.all {
      for path in readings(of: folder, root: Array(root.path.utf8)) {
        let found = try snapshot.pictures(under: path, root: root.number)
        ids.formUnion(found)
        if !found.isEmpty { break }
      }
    }
    guard ids.isEmpty else { return ids }
    throw RetrievalError(
      .folderNotFound,
      "the index holds no picture under \(printable(Array(folder.utf8))); name a folder inside the"
        + " collection \(roots.all.map { printable($0.path) }.joined(separator: ", ")), such as the first"
        + " part of a path that a search shows")
  }

  /// What a folder may mean, relative to a root, the likeliest first.
  private static func readings(of folder: String, root: [UInt8]) -> [[UInt8]] {
    let parts = folder.utf8.split(separator: .slash).filter { !$0.elementsEqual(".".utf8) }
    let plain = Array(parts.joined(separator: [.slash]))
    let absolute = [UInt8.slash] + plain
    var readings: [[UInt8]] = []
    if folder.utf8.first != .slash {
      readings.append(plain)
    } else {
      if let inside = relative(absolute, to: root) { readings.append(inside) }
      // A folder above the root.
      if relative(root, to: absolute) != nil { readings.append([]) }
    }
    if let resolved = try? FileSystem.resolved(Array(folder.utf8)),
      let inside = relative(resolved, to: root)
    {
      readings.append(inside)
    }
    return readings
  }
}

/// A filter's conditions on a single picture, prepared.
private struct PictureTest {
  private let filter: PictureFilter
  private let first, end: Int64
  private let camera: String?

  init(_ filter: PictureFilter) {
    self.filter = filter
    first = filter.since?.seconds.lowerBound ?? .min
    end = filter.until?.seconds.upperBound ?? .max
    camera = filter.camera?.lowercased()
  }

  func hasFormat(_ record: PictureRecord) -> Bool {
    ImageFormat(ofName: record.path).map(filter.formats.contains) ?? false
  }

  func hasShape(_ record: PictureRecord) -> Bool {
    let (width, height) = record.uprightSize
    return filter.shape == .portrait ? height > width : width > height
  }

  func isSince(_ record: PictureRecord, _ details: PictureDetails?) -> Bool {
    record.clockTime(details) >= first
  }

  func isUntil(_ record: PictureRecord, _ details: PictureDetails?) -> Bool {
    record.clockTime(details) < end
  }

  func hasCamera(_ details: PictureDetails?) -> Bool {
    guard let camera, let own = details?.camera else { return false }
    return own.lowercased().contains(camera)
  }

  func isInArea(_ details: PictureDetails?) -> Bool {
    guard let area = filter.area, let point = details?.coordinates else { return false }
    return area.contains(latitude: point.latitude, longitude: point.longitude)
  }

  func hasProperties(
    _ details: () throws -> PictureDetails?, hasTexts: () throws -> Bool
  ) throws -> Bool {
    for property in filter.properties {
      let has =
        switch property {
        case .captions: try hasTexts()
        case .location: try details()?.coordinates != nil
        case .date: try details()?.taken != nil
        }
      guard has else { return false }
    }
    return true
  }
}

extension PictureRecord {
  /// Width and height as a viewer shows them.
  var uprightSize: (width: Int, height: Int) {
    orientation >= 5 ? (height, width) : (width, height)
  }

  /// When the picture was taken or, where the file does not say that, modified: seconds since 1970-01-01
  /// 00:00 by the clock on the wall.
  func clockTime(_ details: PictureDetails?) -> Int64 {
    if let taken = details?.taken { return taken }
    let (seconds, rest) = modified.quotientAndRemainder(dividingBy: 1_000_000_000)
    var time = time_t(rest < 0 ? seconds - 1 : seconds)
    var parts = tm()
    return localtime_r(&time, &parts) == nil ? Int64(time) : Int64(time + parts.tm_gmtoff)
  }
}
