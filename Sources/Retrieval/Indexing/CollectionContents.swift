import Files
import Images
import Store

/// What a collection holds and which texts belong to it, seen once before a run of indexing.
struct CollectionContents {
  let scan: CollectionScan
  let captions: CollectionCaptions
  /// Warnings for the user.
  private(set) var warnings: [String] = []

  /// Walks through the collection and reads the captions file; nil where `shouldStop` ended that.
  ///
  /// A collection without pictures is an error, unless its index may be emptied.
  init?(
    _ request: IndexingRequest, root: [UInt8], settings: CollectionSettings, shouldStop: () -> Bool
  ) throws {
    var scan = try CollectionScan(root: root, settings: settings, shouldStop: shouldStop)
    if scan.interrupted { return nil }
    // A captions file is matched with the whole collection, of a part too.
    let all = scan.pictures
    if let only = request.only { scan.keep(only: only) }
    self.scan = scan
    if scan.pictures.isEmpty {
      if let (path, error) = scan.unreadable.first {
        throw RetrievalError(
          .unreadableCollection, "\(printable(joined(root, path))) cannot be read: \(error)")
      }
      guard request.options.allowsVanished, case .index = try IndexFolder(request.index) else {
        throw RetrievalError(
          .noPictures,
          "no pictures in \(printable(root)) ("
            + ImageFormat.allCases.map(\.displayName).joined(separator: ", ")
            + " are read); the index is left as it is")
      }
    }
    captions = try CollectionCaptions(
      root: root, file: request.options.captions, inherited: request.inheritedCaptions,
      pictures: all)
    warnings += captions.warnings
    for (path, error) in scan.unreadable {
      let place = path.isEmpty ? request.collection : printable(path)
      warnings.append("\(place) cannot be read: \(error)")
    }
    // Of a part of the collection the captions file may well name more.
    if let example = captions.example, request.only == nil {
      warnings.append(
        "the captions file has \(captions.missing) records of pictures that are not in the"
          + " collection, such as \(printable(Array(example.utf8)))")
    }
  }
}
