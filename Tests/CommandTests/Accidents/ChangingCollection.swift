import FoundationEssentials
import Glibc
import TestSupport

/// Two folders of pictures and captions that change at random, and the truth about what an index of them holds.
struct ChangingCollection {
  let collection = Collection(pictures: 0)
  /// The number of the drawing that each picture shows, by its path.
  private(set) var pictures: [String: Int] = [:]
  /// What the text file beside each picture says, also where there is no such picture (yet).
  private(set) var captions: [String: String] = [:]
  private var drawings = 0
  private var texts = 0

  /// The more there are, the longer a run takes.
  private static let sizes = 6...24
  private static let folders = ["trips/", "trips/sea/", "people/", "people/out/"]
  /// A picture in each root that stays, so that neither is empty.
  private static let anchors = ["trips/anchor.jpg", "people/anchor.jpg"]
  /// Few enough that a name that is gone comes back with another picture.
  private static let places = (0..<40).map { folders[$0 % folders.count] + Collection.name($0) }

  init() {
    for folder in Self.folders { mkdir("\(collection.pictures)/\(folder)", 0o755) }
    for place in Self.anchors + Self.places.prefix(8) { draw(place) }
    collection.add("people/.blipignore", Array("picture-1*.jpg\n!picture-14.jpg\n".utf8))
  }

  /// The arguments that index both folders, and leave some of their pictures out.
  var arguments: [String] {
    ["trips", "people"].map { "\(collection.pictures)/\($0)" } + [
      "--exclude", "picture-07.jpg", "--model", TinyModel.retrieval.path,
    ]
  }

  /// The pictures that are not left out.
  var indexed: [String: Int] {
    pictures.filter { path, _ in
      let name = path.split(separator: "/").last!
      return name != "picture-07.jpg"
        && !(path.hasPrefix("people/") && name.hasPrefix("picture-1") && name != "picture-14.jpg")
    }
  }

  /// The caption that a finished run has given each picture that has one.
  var captionsOfPictures: [String: String] { captions.filter { indexed[$0.key] != nil } }

  /// Adds, changes, removes, moves or copies a picture, or does something to a caption.
  mutating func change(using random: inout SplitMix64) {
    let present = pictures.keys.filter { !Self.anchors.contains($0) }.sorted()
    let picture = present.randomElement(using: &random)!
    let place = Self.places.filter { pictures[$0] == nil }.randomElement(using: &random)!
    let mayGrow = present.count < Self.sizes.upperBound
    switch Int.random(in: 0..<10, using: &random) {
    case 0...2: if mayGrow { draw(place) }
    case 3: draw(picture)
    case 4, 5: if present.count > Self.sizes.lowerBound { remove(picture) }
    case 6, 7: move(picture, to: place)
    case 8: if mayGrow { copy(picture, to: place) }
    default: caption(Self.places.randomElement(using: &random)!)
    }
  }

  private mutating func draw(_ path: String) {
    drawings += 1
    pictures[path] = drawings
    collection.add(path, Drawing.mosaic(drawings))
  }

  private mutating func remove(_ path: String) {
    pictures[path] = nil
    collection.remove(path)
  }

  private mutating func move(_ path: String, to place: String) {
    pictures[place] = pictures.removeValue(forKey: path)
    rename("\(collection.pictures)/\(path)", "\(collection.pictures)/\(place)")
  }

  private mutating func copy(_ path: String, to place: String) {
    pictures[place] = pictures[path]
    collection.add(place, readBytes("\(collection.pictures)/\(path)"))
  }

  /// Every third time one that is there goes, else it says something new.
  private mutating func caption(_ path: String) {
    let file = String(path.dropLast(3)) + "txt"
    texts += 1
    if texts % 3 == 0, captions.removeValue(forKey: path) != nil {
      collection.remove(file)
    } else {
      captions[path] = "text \(texts)"
      collection.add(file, Array("text \(texts)\n".utf8))
    }
  }
}
