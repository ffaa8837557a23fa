public import Images
internal import Glibc

/// Which pictures a search may find. Conditions are combined: a picture has to meet all of them.
///
/// A filtered search still returns as many hits as are asked for, where the index has as many: the filter is
/// applied before the nearest pictures are chosen.
public struct PictureFilter: Sendable, Equatable {
  /// Whether a picture is taller or wider than the other way, upright; a square is neither.
  public enum Shape: String, Sendable, CaseIterable { case portrait, landscape }

  /// What the index knows of a picture.
  public enum Property: String, Sendable, CaseIterable {
    /// The picture has a text in the index.
    case captions
    /// The file says where it was taken.
    case location
    /// The file says when it was taken.
    case date
  }

  /// A circle on the earth.
  public struct Area: Sendable, Equatable {
    /// The centre, in degrees: -90 (south) to 90, and -180 (west) to 180.
    public let latitude, longitude: Double
    /// The radius.
    public let kilometers: Double

    /// Nil where there is no such place, or the radius is not above 0.
    public init?(latitude: Double, longitude: Double, kilometers: Double) {
      guard -90...90 ~= latitude, -180...180 ~= longitude, kilometers > 0, kilometers.isFinite
      else {
        return nil
      }
      (self.latitude, self.longitude, self.kilometers) = (latitude, longitude, kilometers)
    }
  }

  /// The parts of a filter.
  public enum Condition: Sendable, Hashable, CaseIterable {
    /// ``PictureFilter/folders``
    case folders
    /// ``PictureFilter/excludedFolders``
    case excludedFolders
    /// ``PictureFilter/formats``
    case formats
    /// ``PictureFilter/shape``
    case shape
    /// ``PictureFilter/since``
    case since
    /// ``PictureFilter/until``
    case until
    /// ``PictureFilter/camera``
    case camera
    /// ``PictureFilter/area``
    case area
    /// ``PictureFilter/properties``
    case properties
  }

  /// Only pictures below one of these folders: relative to the collection, or any path to a folder inside
  /// it. Empty: all.
  public var folders: [String] = []
  /// No pictures below these folders.
  public var excludedFolders: [String] = []
  /// Only these formats, by the names of the files. Empty: all.
  public var formats: Set<ImageFormat> = []
  /// Only pictures of this shape.
  public var shape: Shape?
  /// Only pictures from the beginning of this period on: taken then or, where the file does not say when,
  /// modified then.
  public var since: CalendarPeriod?
  /// Only pictures up to the end of this period.
  public var until: CalendarPeriod?
  /// Only pictures whose camera, maker and model, contains this text; upper and lower case are the same.
  public var camera: String?
  /// Only pictures taken here.
  public var area: Area?
  /// Only pictures of which the index knows all of this.
  public var properties: Set<Property> = []

  /// A filter that every picture passes.
  public init() {}

  /// The conditions that are set, in the order in which they are applied.
  var conditions: [Condition] {
    Condition.allCases.filter { condition in
      switch condition {
      case .folders: !folders.isEmpty
      case .excludedFolders: !excludedFolders.isEmpty
      case .formats: !formats.isEmpty
      case .shape: shape != nil
      case .since: since != nil
      case .until: until != nil
      case .camera: camera != nil
      case .area: area != nil
      case .properties: !properties.isEmpty
      }
    }
  }
}

extension ImageFormat {
  /// The format that a file's name announces.
  init?(ofName path: [UInt8]) {
    let name = path.split(separator: UInt8(ascii: "/")).last ?? []
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    switch String(decoding: name[name.index(after: dot)...], as: UTF8.self).lowercased() {
    case "jpg", "jpeg", "jpe", "jfif", "jif", "mpo": self = .jpeg
    case "png": self = .png
    case "webp": self = .webp
    case "tif", "tiff": self = .tiff
    case "gif": self = .gif
    case "heic", "heif", "hif": self = .heif
    case "avif": self = .avif
    case "bmp", "dib": self = .bmp
    case "jxl": self = .jpegXL
    case "jp2", "j2k", "jpf", "jpx", "jpm", "j2c", "jpc": self = .jpeg2000
    case let other where FileKind.rawExtensions.contains(other): self = .raw
    default: return nil
    }
  }
}

extension PictureFilter.Area {
  /// Whether a point lies within the circle: the distance on a sphere (haversine).
  func contains(latitude: Double, longitude: Double) -> Bool {
    func radians(_ degrees: Double) -> Double { degrees * .pi / 180 }
    func squaredSine(_ degrees: Double) -> Double {
      let sine = sin(radians(degrees) / 2)
      return sine * sine
    }
    let chord =
      squaredSine(latitude - self.latitude) + cos(radians(latitude))
      * cos(radians(self.latitude)) * squaredSine(longitude - self.longitude)
    return 2 * 6371.0088 * asin(min(1, chord.squareRoot())) <= kilometers
  }
}
