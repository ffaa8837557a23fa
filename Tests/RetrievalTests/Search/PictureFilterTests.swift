import Digests
import Images
import Store
import TestSupport
import Testing

@testable import Retrieval

@Suite("Filtering a search", .ownsProcess)
struct PictureFilterTests {
  private let fixture: IndexFixture
  private let searcher: Searcher

  /// Pictures that differ in what filters see. All have the same embedding, so that a search without a
  /// filter could find any.
  init() async throws {
    fixture = try IndexFixture(pictures: 1)
    fixture.collection.write("0.txt", "Blocks of blue.")
    try await fixture.run()
    try Self.fill(fixture.index)
    searcher = try Searcher(index: fixture.index, modelPath: nil)
  }

  /// Adds the pictures, and closes the index: a process opens it once.
  private static func fill(_ index: String) throws {
    let metadata = try IndexStore.open(index).metadata
    let store = try IndexStore.openForWriting(index, metadata: metadata)
    let embedding = [1] + [Float](repeating: 0, count: metadata.sizes.embedding - 1)
    let noon = Self.seconds("2024-05-31") + 12 * 3600
    var pictures: [(PictureRecord, PictureDetails?)] = []
    func add(
      _ path: String, _ width: Int, _ height: Int, orientation: Int = 1, modified: Int64,
      _ details: PictureDetails? = nil
    ) {
      let path = Array(path.utf8)
      let record = PictureRecord(
        path: path, size: 1, modified: modified * 1_000_000_000,
        contentHash: SHA256.digest(of: path), width: width, height: height,
        orientation: orientation)
      pictures.append((record, details))
    }
    add(
      "trips/paris.jpg", 4, 3, modified: noon,
      PictureDetails(
        taken: Self.seconds("2019-12-31") + 86_399, camera: "NIKON D750",
        coordinates: PictureDetails.Coordinates(latitude: 48.8584, longitude: 2.2945)))
    add(
      "trips/sea/fiji.PNG", 4, 3, orientation: 6, modified: noon,
      PictureDetails(
        taken: Self.seconds("2020-01-01"), camera: "Canon EOS",
        coordinates: PictureDetails.Coordinates(latitude: -17, longitude: 179.9)))
    add("home/cat.webp", 3, 4, modified: noon)
    add("home/square.tif", 3, 3, modified: noon - 400 * 86_400, PictureDetails())
    try store.write { [pictures] change in
      for (record, details) in pictures {
        try change.put(record, embedding: embedding, features: nil, details: details)
      }
    }
  }

  private static func seconds(_ day: String) -> Int64 { CalendarPeriod(day)!.seconds.lowerBound }

  /// The pictures that pass, without that of the fixture where nothing but its own tells it.
  private func passing(_ set: (inout PictureFilter) -> Void) throws -> Set<String> {
    var filter = PictureFilter()
    set(&filter)
    let hits = try searcher.search(
      PictureQuery(QueryExpression(.text("blue")), model: searcher.model),
      SearchOptions(count: 10, rerankDepth: 0, filter: filter))
    return Set(hits.map(\.path))
  }

  @Test("by format, shape, camera and what is known")
  func properties() throws {
    #expect(try passing { $0.formats = [.png] } == ["0.png", "trips/sea/fiji.PNG"])
    #expect(try passing { $0.formats = [.jpeg, .webp] } == ["trips/paris.jpg", "home/cat.webp"])
    #expect(try passing { $0.shape = .landscape }.contains("trips/paris.jpg"))
    // Turned by its orientation.
    let portraits = try passing { $0.shape = .portrait }
    #expect(portraits.isSuperset(of: ["trips/sea/fiji.PNG", "home/cat.webp"]))
    #expect(portraits.isDisjoint(with: ["trips/paris.jpg", "home/square.tif"]))
    #expect(try passing { $0.camera = "nikon" } == ["trips/paris.jpg"])
    #expect(try passing { $0.camera = "eos" } == ["trips/sea/fiji.PNG"])
    #expect(try passing { $0.properties = [.captions] } == ["0.png"])
    #expect(
      try passing { $0.properties = [.location, .date] } == [
        "trips/paris.jpg", "trips/sea/fiji.PNG",
      ])
  }

  @Test("by the time taken or, where there is none, the file's")
  func times() throws {
    #expect(try passing { $0.until = CalendarPeriod("2019") } == ["trips/paris.jpg"])
    #expect(
      try passing {
        ($0.since, $0.until) = (CalendarPeriod("2020-01-01"), CalendarPeriod("2020-01-01"))
      } == ["trips/sea/fiji.PNG"])
    #expect(
      try passing { ($0.since, $0.until) = (CalendarPeriod("2024-05"), CalendarPeriod("2024-05")) }
        == ["home/cat.webp"])
    #expect(
      try passing { ($0.since, $0.until) = (CalendarPeriod("2023"), CalendarPeriod("2023")) }
        == ["home/square.tif"])
  }

  @Test("by distance on the sphere, also across the antimeridian")
  func places() throws {
    func near(_ latitude: Double, _ longitude: Double, _ kilometers: Double) throws -> Set<String> {
      try passing {
        $0.area = PictureFilter.Area(
          latitude: latitude, longitude: longitude, kilometers: kilometers)
      }
    }
    // Notre-Dame is 4.1 km from the Eiffel Tower.
    #expect(try near(48.8530, 2.3499, 4.0).isEmpty)
    #expect(try near(48.8530, 2.3499, 4.2) == ["trips/paris.jpg"])
    // 0.2 degrees of longitude at 17 degrees south: 21.3 km.
    #expect(try near(-17, -179.9, 21).isEmpty)
    #expect(try near(-17, -179.9, 22) == ["trips/sea/fiji.PNG"])
    #expect(PictureFilter.Area(latitude: 91, longitude: 0, kilometers: 1) == nil)
    #expect(PictureFilter.Area(latitude: .nan, longitude: 0, kilometers: 1) == nil)
    #expect(PictureFilter.Area(latitude: 0, longitude: 0, kilometers: 0) == nil)
  }

  @Test("by several folders, and without others")
  func folders() throws {
    #expect(
      try passing { $0.folders = ["trips/sea", "home"] } == [
        "trips/sea/fiji.PNG", "home/cat.webp", "home/square.tif",
      ])
    #expect(
      try passing { ($0.folders, $0.excludedFolders) = (["trips"], ["trips/sea"]) } == [
        "trips/paris.jpg"
      ])
    #expect(
      try passing { $0.excludedFolders = ["trips", "home"] } == ["0.png"])
    for isExcluded in [false, true] {
      let error = #expect(throws: RetrievalError.self) {
        try passing { filter in
          if isExcluded { filter.excludedFolders = ["hom"] } else { filter.folders = ["hom"] }
        }
      }
      #expect(error?.code == .folderNotFound)
    }
  }

  @Test("keeps the promise of as many hits as are asked for, and combines conditions")
  func promise() throws {
    // The nearest pictures are all alike: the one that passes is found however few are asked for.
    var filter = PictureFilter()
    (filter.camera, filter.formats) = ("nikon", [.jpeg])
    for count in [1, 10] {
      let hits = try searcher.search(
        PictureQuery(QueryExpression(.text("blue")), model: searcher.model),
        SearchOptions(count: count, rerankDepth: 0, filter: filter))
      #expect(hits.map(\.path) == ["trips/paris.jpg"])
    }
    let all = try passing { _ in }
    #expect(all.count == 5)
  }

  @Test("tells which condition left nothing")
  func emptied() throws {
    func emptied(_ set: (inout PictureFilter) -> Void) throws -> String? {
      var filter = PictureFilter()
      set(&filter)
      let selection = try searcher.store.read { try filter.selection(in: $0) }
      return selection.emptied.map { "\($0.by) of \($0.of)" }
    }
    let nikon = try emptied { $0.camera = "nikon" }
    #expect(nikon == nil)
    let leica = try emptied { $0.camera = "leica" }
    #expect(leica == "camera of 5")
    let homeless = try emptied { ($0.folders, $0.camera) = (["home"], "nikon") }
    #expect(homeless == "camera of 2")
    let contradiction = try emptied { ($0.folders, $0.excludedFolders) = (["home"], ["home"]) }
    #expect(contradiction == "excludedFolders of 2")
    let future = try emptied { ($0.formats, $0.since) = ([.tiff, .webp], CalendarPeriod("2030")) }
    #expect(future == "since of 2")
  }

  @Test("hits tell what filters see")
  func files() throws {
    let hits = try searcher.search(
      PictureQuery(QueryExpression(.text("blue")), model: searcher.model),
      SearchOptions(count: 10, rerankDepth: 0))
    let hit = try #require(hits.first { $0.path == "trips/sea/fiji.PNG" })
    #expect(hit.file.format == .png && hit.file.width == 3 && hit.file.height == 4)
    #expect(hit.details?.camera == "Canon EOS")
  }
}

@Suite("A period of the calendar")
struct CalendarPeriodTests {
  @Test(
    "is a year, a month or a day",
    arguments: [
      ("1970", 0, 365), ("1970-01-01", 0, 1), ("2000-02", 10_988, 11_017),
      ("1900-02", -25_536, -25_508), ("2024-12-31", 20_088, 20_089),
      ("0001-01-01", -719_162, -719_161),
    ])
  func seconds(text: String, first: Int64, end: Int64) throws {
    let period = try #require(CalendarPeriod(text))
    #expect(period.seconds == first * 86_400..<end * 86_400)
    #expect("\(period)" == text)
  }

  @Test(
    "is nothing else",
    arguments: [
      "", "24", "2024-5", "2024-13", "2024-00", "2023-02-29", "2024-02-30", "0000", "20240",
      "2024-",
      "2024-05-31-01", "-2024", "+024", "2024/05", "２０２４",
    ])
  func refused(text: String) { #expect(CalendarPeriod(text) == nil) }
}
