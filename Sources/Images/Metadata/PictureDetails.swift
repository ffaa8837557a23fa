/// What a picture file says of itself in EXIF, IPTC and XMP: a person's words, and the camera's.
///
/// Texts come from outside: their length is bounded, control characters are removed, and bytes that
/// are not UTF-8 are read as Latin-1.
public struct PictureDetails: Sendable, Equatable {
  /// A point on the earth, in degrees.
  public struct Coordinates: Sendable, Equatable {
    /// -90 (south) to 90 (north).
    public let latitude: Double
    /// -180 (west) to 180 (east).
    public let longitude: Double

    /// Nil if there is no such point. (0, 0), which devices write when they do not know, is none.
    public init?(latitude: Double, longitude: Double) {
      guard (-90...90).contains(latitude), (-180...180).contains(longitude),
        latitude != 0 || longitude != 0
      else { return nil }
      self.latitude = latitude
      self.longitude = longitude
    }
  }

  /// A short name.
  public let title: String?
  /// What the picture shows.
  public let description: String?
  /// Tags, each once, in the order of the file.
  public let keywords: [String]
  /// When the picture was taken, by the clock of the camera in whatever time zone that was: seconds
  /// from 1970-01-01 00:00 of that clock.
  public let taken: Int64?
  /// The camera's maker and model.
  public let camera: String?
  /// Names of the place, the most exact first: location, city, state, country.
  public let places: [String]
  /// Where the camera was.
  public let coordinates: Coordinates?

  /// Limits, in Unicode scalars and in numbers of texts.
  enum Limit {
    static let title = 200
    static let description = 2000
    static let keyword = 64
    static let keywords = 64
    static let camera = 100
    static let place = 100
    static let places = 4
  }

  /// Details from texts of any origin, which are cleaned and cut; a time before 1800 or after 2999 is
  /// left out.
  public init(
    title: String? = nil, description: String? = nil, keywords: [String] = [], taken: Int64? = nil,
    camera: String? = nil, places: [String] = [], coordinates: Coordinates? = nil
  ) {
    self.title = Self.cleaned(title, most: Limit.title)
    self.description = Self.cleaned(description, most: Limit.description)
    self.keywords = Self.cleaned(keywords, each: Limit.keyword, most: Limit.keywords)
    self.taken = taken.flatMap { CameraTime.range.contains($0) ? $0 : nil }
    self.camera = Self.cleaned(camera, most: Limit.camera)
    self.places = Self.cleaned(places, each: Limit.place, most: Limit.places)
    self.coordinates = coordinates
  }

  /// Whether the file says nothing.
  public var isEmpty: Bool { self == PictureDetails() }

  /// When the picture was taken, such as `2021-07-14 09:30:00`.
  public var takenText: String? { taken.map(CameraTime.text) }

  private static func cleaned(_ texts: [String], each: Int, most: Int) -> [String] {
    var result: [String] = []
    for text in texts where result.count < most {
      guard let text = cleaned(text, most: each), !result.contains(text) else { continue }
      result.append(text)
    }
    return result
  }

  /// The text in one line without what would steer a terminal, without spaces at its ends and cut to
  /// so many scalars; nil if nothing is left.
  static func cleaned(_ text: String?, most: Int) -> String? {
    guard let text else { return nil }
    var scalars = String.UnicodeScalarView()
    var count = 0
    var needsSpace = false
    for scalar in text.unicodeScalars {
      if scalar.properties.isWhitespace || scalar.value < 0x20 {
        needsSpace = count > 0
        continue
      }
      switch scalar.properties.generalCategory {
      case .control, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator: continue
      // Joiners shape words of some scripts, and emoji; the other format characters are invisible.
      case .format where scalar.value != 0x200C && scalar.value != 0x200D: continue
      default: break
      }
      guard count + (needsSpace ? 1 : 0) < most else { break }
      if needsSpace {
        scalars.append(" ")
        count += 1
        needsSpace = false
      }
      scalars.append(scalar)
      count += 1
    }
    return scalars.isEmpty ? nil : String(scalars)
  }
}
