internal import HTTPTypes
internal import Images
internal import Retrieval

/// A search as a request asks for it.
struct SearchRequest: Sendable {
  /// What is searched for.
  var expression: QueryExpression
  /// How; the number of results is that of a page.
  var options: SearchOptions
  /// How many results come before the page.
  var offset = 0
  /// The picture that results should be like and that is not among them.
  var excluded: UInt64?
  /// The same for all pages of a search.
  var key: String

  /// The most results of a search, over all pages.
  static let mostResults = 10_000
  /// The most results of a page.
  static let mostPerPage = 200
  private static let usualPerPage = 50

  static let pageParameters: Set<String> = ["limit", "cursor", "all"]
  static let filterParameters: Set<String> = [
    "since", "until", "camera", "near", "within", "shape",
  ]
  static let repeatedFilterParameters: Set<String> = ["under", "not_under", "type", "has"]

  /// - Parameters:
  ///   - first: The picture that is searched by, for a request that names it otherwise.
  ///   - upload: The uploaded picture of a token.
  init(
    _ parameters: QueryParameters, first: PictureSource? = nil,
    upload: (String) throws -> PictureSource
  ) throws {
    var terms = first.map { [QueryExpression.Term(.picture($0))] } ?? []
    if let line = parameters.text("q"), line.contains(where: { !$0.isWhitespace }) {
      terms += try QueryExpression.terms(of: line)
    }
    for (name, weight) in [("like", Float(1)), ("unlike", -1)] {
      for text in parameters.texts(name) {
        terms.append(.init(.picture(.indexed(try Self.pictureID(text, name))), weight: weight))
      }
    }
    if first == nil {
      for token in parameters.texts("upload") { terms.append(.init(.picture(try upload(token)))) }
    }
    guard !terms.isEmpty else {
      throw Problem(.badRequest, "give q, a text to search for, or like, the id of a picture")
    }
    expression = try QueryExpression(terms)
    let limit = try parameters.integer("limit", in: 1...Self.mostPerPage) ?? Self.usualPerPage
    options = SearchOptions(
      count: limit, rerankDepth: try parameters.integer("rerank", in: 0...1000),
      minimumMatch: try Self.minimumMatch(parameters), filter: try PictureFilter(parameters),
      collapsesAlike: try !parameters.flag("all"))
    if case .indexed(let id) = first { excluded = id }
    key = parameters.key(without: ["cursor", "limit"]) + (first?.name ?? "")
    if let cursor = parameters.text("cursor") { offset = try Self.offset(cursor) }
  }

  private static func minimumMatch(_ parameters: QueryParameters) throws(Problem) -> Float? {
    guard let value = try parameters.number("min_match") else { return nil }
    guard 0...1 ~= value else { throw Problem(.badRequest, "min_match must be from 0 to 1") }
    return Float(value)
  }

  /// The cursor of the page after this one.
  var nextCursor: String? {
    let next = offset + options.count
    return next < Self.mostResults ? "p\(next)" : nil
  }

  private static func offset(_ cursor: String) throws(Problem) -> Int {
    guard let offset = Int(cursor.dropFirst()), cursor == "p\(offset)", 0..<mostResults ~= offset
    else { throw Problem(.badRequest, "the cursor is not one that an answer gave") }
    return offset
  }

  /// A picture's number in the index.
  static func pictureID(_ text: String, _ name: String) throws(Problem) -> UInt64 {
    guard let id = Int(text), id >= 0, "\(id)" == text else {
      throw Problem(.badRequest, "\(name) must be the id of a picture, a whole number")
    }
    return UInt64(id)
  }
}

extension PictureFilter {
  /// The filter that a request asks for.
  fileprivate init(_ parameters: QueryParameters) throws(Problem) {
    self.init()
    (folders, excludedFolders) = (parameters.texts("under"), parameters.texts("not_under"))
    if (folders + excludedFolders).contains("") {
      throw Problem(.badRequest, "under and not_under must name a folder")
    }
    since = try Self.period("since", parameters)
    until = try Self.period("until", parameters)
    camera = parameters.text("camera")
    if camera?.allSatisfy(\.isWhitespace) == true {
      throw Problem(.badRequest, "camera must not be empty")
    }
    area = try Self.area(parameters)
    for name in parameters.texts("type") {
      guard let format = ImageFormat(named: name) else {
        throw Problem(.badRequest, "type must be \(ImageFormat.names)")
      }
      formats.insert(format)
    }
    if let name = parameters.text("shape") {
      guard let shape = Shape(rawValue: name) else {
        throw Problem(.badRequest, "shape must be portrait or landscape")
      }
      self.shape = shape
    }
    for name in parameters.texts("has") {
      guard let property = Property(rawValue: name) else {
        throw Problem(.badRequest, "has must be captions, location or date")
      }
      properties.insert(property)
    }
  }

  private static func period(
    _ name: String, _ parameters: QueryParameters
  ) throws(Problem) -> CalendarPeriod? {
    guard let text = parameters.text(name) else { return nil }
    guard let period = CalendarPeriod(text) else {
      throw Problem(
        .badRequest, "\(name) must be a date that exists: 2024, 2024-05 or 2024-05-31")
    }
    return period
  }

  private static func area(_ parameters: QueryParameters) throws(Problem) -> Area? {
    let radius = try parameters.number("within")
    guard let near = parameters.text("near") else {
      guard radius == nil else { throw Problem(.badRequest, "within requires near") }
      return nil
    }
    let parts = near.split(separator: ",").map { QueryParameters.decimal($0.filter { $0 != " " }) }
    guard parts.count == 2, let latitude = parts[0], let longitude = parts[1],
      let area = Area(latitude: latitude, longitude: longitude, kilometers: radius ?? 10)
    else {
      throw Problem(
        .badRequest, "near must be latitude,longitude in degrees, and within kilometers above 0")
    }
    return area
  }
}
