import Tensors

/// What to index, where to.
package struct IndexingRequest: Sendable {
  /// The folders that hold the pictures; one at least.
  package var collections: [String]
  /// The folder of the index; made where there is none.
  package var index: String
  /// How.
  package var options: IndexingOptions
  /// The only pictures that belong to the index, relative to their folder; nil: all that are there.
  package var only: Set<[UInt8]>?
  /// Captions by where the pictures lie, which stand where there is no captions file: those of an index that this one
  /// is to replace.
  var inheritedCaptions: [[UInt8]: [String]] = [:]

  /// A request for a collection of one folder.
  package init(
    collection: String, index: String, options: IndexingOptions = IndexingOptions(),
    only: Set<[UInt8]>? = nil
  ) {
    self.init(collections: [collection], index: index, options: options, only: only)
  }

  /// A request with all its parts.
  package init(
    collections: [String], index: String, options: IndexingOptions = IndexingOptions(),
    only: Set<[UInt8]>? = nil
  ) {
    self.collections = collections
    self.index = index
    self.options = options
    self.only = only
  }
}

/// What happens while an index is updated.
public enum IndexingEvent: Sendable, Equatable {
  /// The index was built with the first model and is rebuilt with the second, which then replaces it.
  case replacing(model: String, by: String)
  /// Another run writes the index, and this one waits for its end: who it is.
  case waiting(String)
  /// The walk is over: pictures found, of which so many have to be looked at.
  case scanned(found: Int, toEncode: Int)
  /// Pictures encoded, or found to have failed, and committed so far.
  case encoded(Int)
  /// Pictures of an older index of which it was read what their files say of themselves, so far, of so
  /// many.
  case details(Int, of: Int)
  /// Texts embedded and committed so far, of so many.
  case texts(Int, of: Int)
  /// So many vectors are being arranged anew in the vector index.
  case arranging(Int)
  /// A file that could not be indexed (path printable, relative) and why.
  case failed(path: String, reason: String)
  /// Something that the user should know and that stops nothing.
  case warning(String)
  /// The update has ended; always the last event.
  case finished(IndexingSummary)
}

/// What came of building an index.
public struct IndexingSummary: Sendable, Equatable {
  /// Pictures in the collection, by their extensions or contents.
  public var found = 0
  /// Files of the collection that are not read as pictures, by kind.
  public var leftOut: [LeftOutKind: Int] = [:]
  /// Pictures that the index did not have.
  public var added = 0
  /// Pictures whose content is another than before.
  public var changed = 0
  /// Pictures that lie elsewhere than before; nothing was encoded for them.
  public var moved = 0
  /// Pictures that are as they were.
  public var unchanged = 0
  /// Pictures that the collection no longer has, dropped from the index.
  public var vanished = 0
  /// Pictures that the collection no longer has and the index keeps, since they are so many that a
  /// mistake is likelier.
  public var withheld = 0
  /// The roots of which these are.
  public var incompleteRoots: [String] = []
  /// Roots of the index that were named, but were not there or held no pictures any more, as if their disk were
  /// not mounted; what the index holds of them stays.
  public var absentRoots: [String] = []
  /// Pictures that failed in this run.
  public var failed = 0
  /// Files and folders that the system would not show; what the index holds of them stays.
  public var unreadable = 0
  /// Failures of earlier runs that still stand: unchanged files are not tried again.
  public var failedBefore = 0
  /// Texts embedded in this run.
  public var texts = 0
  /// How long it took.
  public var seconds = 0.0
  /// Of `seconds`, those of the pictures: reading, decoding, encoding and storing them.
  public var pictureSeconds = 0.0
  /// Seconds that the image encoder ran, added up over all threads.
  public var encoderSeconds = 0.0
  /// Stopped by the caller before the end; the next run continues.
  public var interrupted = false

  /// Nothing yet.
  public init() {}

  /// Whether anything was added to the index, changed or removed.
  public var hasChanges: Bool { added + changed + moved + vanished + texts > 0 }

  /// The share of all processors' time that the image encoder had while pictures were indexed, 0 to
  /// 1; nil where none was encoded.
  public var encoderBusy: Double? {
    guard encoderSeconds > 0, pictureSeconds > 0 else { return nil }
    return encoderSeconds / (pictureSeconds * Double(processors))
  }
}
