import Files
import Images
import Store

/// What a collection holds and which texts belong to it, seen once before a run of indexing.
struct CollectionContents {
  /// A folder of the collection.
  struct Root {
    /// Resolved.
    let path: [UInt8]
    fileprivate(set) var scan: CollectionScan
  }

  /// The folders that were named, in their order.
  private(set) var roots: [Root] = []
  /// Roots of the index that were named, but are not there or hold no pictures any more, as if their disk were
  /// not mounted. What the index holds of them stays.
  private(set) var absent: [String] = []
  let captions: CollectionCaptions
  /// Warnings for the user.
  private(set) var warnings: [String] = []

  /// Walks through the folders and reads the captions file; nil where `shouldStop` ended that.
  ///
  /// A folder without pictures is an error, unless its index may be emptied, or it is one of several and the
  /// index has it.
  /// - Parameter present: What the index says of itself; nil where there is none.
  init?(_ request: IndexingRequest, present: IndexMetadata?, shouldStop: () -> Bool) throws {
    let settings = request.options.settings(over: present?.settings)
    for folder in request.collections {
      do throws(RetrievalError) {
        let path = try collectionRoot(folder)
        guard String(validating: path, as: UTF8.self) != nil else {
          throw RetrievalError(
            .unreadableCollection, "\(printable(path)): the path of a collection must be UTF-8")
        }
        let scan = try CollectionScan(root: path, settings: settings, shouldStop: shouldStop)
        if scan.interrupted { return nil }
        if scan.pictures.isEmpty { try Self.requirePictures(scan, of: path, request) }
        roots.append(Root(path: path, scan: scan))
      } catch {
        let root = present?.roots.root(named: folder)
        guard let root, request.collections.count > 1,
          [.unreadableCollection, .noPictures].contains(error.code)
        else { throw error }
        absent.append(root.path)
        warnings.append("\(error); the pictures that the index has of \(printable(root.path)) stay")
      }
    }
    guard !roots.isEmpty else {
      throw RetrievalError(
        .unreadableCollection, "\(warnings.joined(separator: "; ")); nothing was changed")
    }
    let named = CollectionRoots(
      roots.enumerated().map {
        CollectionRoot(number: $0.offset, path: String(decoding: $0.element.path, as: UTF8.self))
      })
    if let fault = named.fault { throw RetrievalError(.invalidOption, fault) }
    captions = try CollectionCaptions(
      file: request.options.captions, of: roots.map { ($0.path, $0.scan.pictures) },
      inherited: request.inheritedCaptions)
    warnings += captions.warnings
    // A captions file is matched with the whole collection, of a part too.
    if let only = request.only {
      for index in roots.indices { roots[index].scan.keep(only: only) }
    }
    for root in roots {
      for (path, error) in root.scan.unreadable {
        let name = roots.count > 1 ? joined(root.path, path) : path
        let place = name.isEmpty ? request.collections[0] : printable(name)
        warnings.append("\(place) cannot be read: \(error)")
      }
    }
    // Of a part of the collection the captions file may well name more.
    if let example = captions.example, request.only == nil {
      warnings.append(
        "the captions file has \(captions.missing) records of pictures that are not in the"
          + " collection, such as \(printable(Array(example.utf8)))")
    }
  }

  private static func requirePictures(
    _ scan: CollectionScan, of root: [UInt8], _ request: IndexingRequest
  ) throws(RetrievalError) {
    if let (path, error) = scan.unreadable.first {
      throw RetrievalError(
        .unreadableCollection, "\(printable(joined(root, path))) cannot be read: \(error)")
    }
    if request.options.allowsVanished, case .index = try IndexFolder(request.index) { return }
    throw RetrievalError(
      .noPictures,
      "no pictures in \(printable(root)) ("
        + ImageFormat.allCases.map(\.displayName).joined(separator: ", ")
        + " are read); the index is left as it is")
  }
}

extension CollectionRoots {
  /// The root that a path leads to, or led to while it was there.
  func root(named folder: String) -> CollectionRoot? {
    let path = Array(folder.utf8)
    if let resolved = try? FileSystem.resolved(path),
      let root = root(at: String(decoding: resolved, as: UTF8.self))
    {
      return root
    }
    let here = (try? FileSystem.resolved([.dot])) ?? [.slash]
    let absolute = normalised(path.first == .slash ? path : joined(here, path))
    return root(at: String(decoding: absolute, as: UTF8.self))
  }
}
