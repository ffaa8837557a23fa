import ArgumentParser
import Images
import Retrieval

/// Which pictures a search may find.
struct PictureFilterOptions: ParsableArguments {
  @Option(
    name: .customLong("under"),
    help: ArgumentHelp(
      "Only pictures in this folder of the collection and its subfolders; can be repeated.",
      valueName: "folder"))
  var folders: [String] = []

  @Option(
    name: .customLong("not-under"),
    help: ArgumentHelp("No pictures in this folder; can be repeated.", valueName: "folder"))
  var excludedFolders: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only pictures taken on this day or later: 2024, 2024-05 or 2024-05-31. Without a date in "
        + "the picture, its file's counts.",
      valueName: "date"),
    transform: Self.period)
  var since: CalendarPeriod?

  @Option(
    help: ArgumentHelp(
      "Only pictures taken until the end of this day, month or year.", valueName: "date"),
    transform: Self.period)
  var until: CalendarPeriod?

  @Option(
    help: ArgumentHelp(
      "Only pictures whose camera contains this text, such as nikon.", valueName: "text"))
  var camera: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Only pictures taken near this place, in degrees, such as 48.86,2.35.", valueName: "lat,lon"))
  var near: String?

  @Option(
    help: ArgumentHelp(
      "With --near: how far away, in kilometers. (default: 10)", valueName: "km"))
  var within: Double?

  @Option(
    name: .customLong("type"),
    help: ArgumentHelp(
      "Only pictures of this format: \(ImageFormat.names); can be repeated.", valueName: "format"),
    transform: Self.format)
  var formats: [ImageFormat] = []

  @Flag(help: "Only pictures that are taller than wide.")
  var portrait = false

  @Flag(help: "Only pictures that are wider than tall.")
  var landscape = false

  @Option(
    name: .customLong("has"),
    help: ArgumentHelp(
      "Only pictures with captions, a location or a date; can be repeated.",
      valueName: "what"),
    transform: Self.property)
  var properties: [PictureFilter.Property] = []

  func validate() throws {
    if (folders + excludedFolders).contains("") {
      throw ValidationError("--under and --not-under must not be empty.")
    }
    if camera?.allSatisfy(\.isWhitespace) == true {
      throw ValidationError("--camera must not be empty.")
    }
    if portrait && landscape {
      throw ValidationError("--portrait cannot be combined with --landscape.")
    }
    if let since, let until, until.isBefore(since) {
      throw ValidationError("--until \(until) is before --since \(since).")
    }
    if within != nil && near == nil { throw ValidationError("--within requires --near.") }
    _ = try area()
  }

  /// The filter; what it does not say lets every picture pass.
  func filter() throws -> PictureFilter {
    var filter = PictureFilter()
    filter.folders = folders
    filter.excludedFolders = excludedFolders
    filter.formats = Set(formats)
    filter.shape = portrait ? .portrait : landscape ? .landscape : nil
    (filter.since, filter.until, filter.camera) = (since, until, camera)
    filter.area = try area()
    filter.properties = Set(properties)
    return filter
  }

  /// A part of the filter as it was given.
  func text(of condition: PictureFilter.Condition) -> String {
    func repeated(_ option: String, _ values: [String]) -> String {
      values.map { "\(option) \($0)" }.joined(separator: " ")
    }
    switch condition {
    case .folders: return repeated("--under", folders)
    case .excludedFolders: return repeated("--not-under", excludedFolders)
    case .formats: return repeated("--type", formats.map(\.rawValue))
    case .shape: return portrait ? "--portrait" : "--landscape"
    case .since: return since.map { "--since \($0)" } ?? ""
    case .until: return until.map { "--until \($0)" } ?? ""
    case .camera: return "--camera \(camera ?? "")"
    case .area: return "--near \(near ?? "")" + (within.map { " --within \($0)" } ?? "")
    case .properties: return repeated("--has", properties.map(\.rawValue))
    }
  }

  private func area() throws -> PictureFilter.Area? {
    guard let near else { return nil }
    let parts = near.split(separator: ",", omittingEmptySubsequences: false)
      .map { Double($0.filter { $0 != " " }) }
    guard parts.count == 2, let latitude = parts[0], let longitude = parts[1],
      -90...90 ~= latitude, -180...180 ~= longitude
    else {
      throw ValidationError(
        "--near '\(near)' is no place: give latitude (-90 to 90) and longitude (-180 to 180) in "
          + "degrees, such as 48.86,2.35.")
    }
    let radius = within ?? 10
    guard
      let area = PictureFilter.Area(latitude: latitude, longitude: longitude, kilometers: radius)
    else { throw ValidationError("--within must be above 0.") }
    return area
  }

  private static func period(_ text: String) throws -> CalendarPeriod {
    guard let period = CalendarPeriod(text) else {
      throw ValidationError("Give a date that exists as 2024, 2024-05 or 2024-05-31.")
    }
    return period
  }

  private static func format(_ text: String) throws -> ImageFormat {
    guard let format = ImageFormat(named: text) else {
      throw ValidationError("Choose \(ImageFormat.names).")
    }
    return format
  }

  private static func property(_ text: String) throws -> PictureFilter.Property {
    guard let property = PictureFilter.Property(rawValue: text) else {
      throw ValidationError("Choose captions, location or date.")
    }
    return property
  }
}
