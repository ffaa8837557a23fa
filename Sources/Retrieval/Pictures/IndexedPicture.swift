internal import Files
public import Images
internal import Store

/// A picture as an index has it.
public struct IndexedPicture: Sendable, Equatable {
  /// The picture's number in the index.
  public let id: UInt64
  /// Relative to the collection root, printable; in an index of several roots, the same as `location`.
  public let path: String
  /// The same as the file system has it.
  public let pathBytes: [UInt8]
  /// Where the picture lies, as text; a name that is not UTF-8 is only in `locationBytes` whole.
  public let location: String
  /// Where the picture lies, as the file system has it.
  public let locationBytes: [UInt8]
  /// The picture's file as it was indexed.
  public let file: PictureFile
  /// The picture's texts in the index.
  public let captions: [String]
  /// Those of the captions that a model generated.
  public let generatedCaptions: [String]
  /// What the picture's file says of itself; nil if it says nothing, or was not read yet.
  public let details: PictureDetails?
}

extension IndexedPicture {
  /// Nil where the index holds no picture of this number.
  init?(_ id: UInt64, in snapshot: borrowing IndexSnapshot) throws {
    guard let record = try snapshot.picture(id) else { return nil }
    let roots = snapshot.metadata.roots
    let captions = try snapshot.textRecords(of: id).map(\.record)
    let details = try snapshot.details(picture: id)
    self.id = id
    pathBytes = roots.name(of: record.path)
    path = printable(pathBytes)
    locationBytes = roots.location(of: record.path)
    location = printable(locationBytes)
    file = PictureFile(record)
    self.captions = captions.map(\.text)
    generatedCaptions = captions.filter(\.source.isSynthetic).map(\.text)
    self.details = details?.isEmpty == false ? details : nil
  }
}
