internal import Files
public import Images
internal import Store

/// How the pictures of an index are distributed over folders, months, cameras and formats: what a person can
/// narrow a search to.
public struct PictureFacets: Sendable, Equatable {
  /// A value, and how many pictures have it.
  public struct Count<Value: Sendable & Equatable>: Sendable, Equatable {
    /// The value.
    public let value: Value
    /// How many pictures have it.
    public let pictures: Int
  }

  /// Pictures.
  public let pictures: Int
  /// Texts.
  public let texts: Int
  /// Every folder with its pictures, also those of its subfolders, by name: relative to the collection or, in an
  /// index of several roots, absolute.
  public let folders: [Count<[UInt8]>]
  /// Months such as `2024-05`, from the first to the last that has pictures: when they were taken or, where a
  /// file does not say that, modified.
  public let months: [Count<String>]
  /// Cameras, the most used first.
  public let cameras: [Count<String>]
  /// Formats by the names of the files, the most frequent first.
  public let formats: [Count<ImageFormat>]
}

extension PictureFacets {
  init(_ snapshot: borrowing IndexSnapshot) throws {
    var folders: [[UInt8]: Int] = [:]
    var (months, cameras): ([String: Int], [String: Int]) = ([:], [:])
    var formats: [ImageFormat: Int] = [:]
    let roots = snapshot.metadata.roots
    try snapshot.forEachPicture { id, record in
      let details = try snapshot.details(picture: id)
      months[CameraTime.month(record.clockTime(details)), default: 0] += 1
      if let camera = details?.camera { cameras[camera, default: 0] += 1 }
      if let format = ImageFormat(ofName: record.path) { formats[format, default: 0] += 1 }
      let name = roots.name(of: record.path)
      for end in name.indices where name[end] == .slash && end > 0 {
        folders[Array(name[..<end]), default: 0] += 1
      }
    }
    self.pictures = try snapshot.pictureCount()
    texts = try snapshot.textCount()
    self.folders = folders.map { Count(value: $0.key, pictures: $0.value) }
      .sorted { $0.value.lexicographicallyPrecedes($1.value) }
    self.months = months.map { Count(value: $0.key, pictures: $0.value) }
      .sorted { $0.value < $1.value }
    self.cameras = cameras.map { Count(value: $0.key, pictures: $0.value) }
      .sorted { ($1.pictures, $0.value) < ($0.pictures, $1.value) }
    self.formats = formats.map { Count(value: $0.key, pictures: $0.value) }
      .sorted { ($1.pictures, $0.value.rawValue) < ($0.pictures, $1.value.rawValue) }
  }
}
