internal import Files
import Store

/// A root of an index, and what the index holds of it.
public struct RootContents: Sendable, Equatable {
  /// The absolute path when it was last indexed.
  public let path: String
  /// Pictures.
  public let pictures: Int
  /// Files that could not be indexed.
  public let failures: Int
  /// Whether there is a folder at the path now.
  public let isPresent: Bool
}

extension PictureIndex {
  /// Pictures that are removed in one transaction.
  private static let picturesPerCommit = 1000

  /// What the index holds of each of its roots.
  public func rootContents() async throws -> [RootContents] {
    try await shared.read { store in
      try store.read { snapshot in
        var (pictures, failures): ([Int: Int], [Int: Int]) = ([:], [:])
        try snapshot.forEachPicture { _, record in
          pictures[CollectionRoots.parts(of: record.path).root, default: 0] += 1
        }
        try snapshot.forEachFailure { failure in
          failures[CollectionRoots.parts(of: failure.path).root, default: 0] += 1
        }
        return store.metadata.roots.all.map { root in
          RootContents(
            path: root.path, pictures: pictures[root.number] ?? 0,
            failures: failures[root.number] ?? 0,
            isPresent: (try? FileSystem.status(Array(root.path.utf8)))?.kind == .folder)
        }
      }
    }
  }

  /// Records where a root of the index is now; its pictures keep all that is stored for them.
  /// - Parameters:
  ///   - old: The root as recorded in the index.
  ///   - new: The folder as it is now.
  ///   - waiting: Called with the other process's name where this has to wait for it.
  public func moveRoot(
    _ old: String, to new: String, waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws {
    let place = String(decoding: try collectionRoot(new), as: UTF8.self)
    try await change(waiting: waiting) { store in
      var metadata = store.metadata
      let root = try metadata.roots.existing(old, of: store.path)
      metadata.roots.move(root.number, to: place)
      if let fault = metadata.roots.fault { throw RetrievalError(.invalidOption, fault) }
      try store.write { [metadata] in try $0.update(metadata) }
    }
  }

  /// Removes a root and its pictures from the index; the files stay.
  /// - Parameters:
  ///   - path: The root as recorded in the index.
  ///   - waiting: Called with the other process's name where this has to wait for it.
  /// - Returns: How many pictures were removed.
  @discardableResult
  public func removeRoot(
    _ path: String, waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> Int {
    try await change(waiting: waiting) { store in
      var metadata = store.metadata
      let root = try metadata.roots.existing(path, of: store.path)
      guard metadata.roots.all.count > 1 else {
        throw RetrievalError(
          .invalidOption,
          "\(store.path): \(printable(root.path)) is the only folder of the index; delete the index "
            + "directory instead")
      }
      let count = try store.removePictures(of: root.number, perCommit: Self.picturesPerCommit)
      metadata.roots.remove(root.number)
      try store.write { [metadata] in try $0.update(metadata) }
      _ = try store.updateVectorIndex(shouldStop: { false })
      return count
    }
  }
}

extension CollectionRoots {
  /// The root that a user means; one that the index has not is an error.
  fileprivate func existing(_ path: String, of index: String) throws(RetrievalError)
    -> CollectionRoot
  {
    if let root = root(named: path) { return root }
    throw RetrievalError(
      .folderNotFound,
      "\(index): no folder of the index is \(printable(path)); it has "
        + all.map { printable($0.path) }.joined(separator: ", "))
  }
}

extension IndexStore {
  /// Removes all pictures and failures of a root; what was removed stays so wherever it ends.
  fileprivate func removePictures(of root: Int, perCommit batch: Int) throws -> Int {
    let (pictures, failures) = try read { snapshot in
      var (pictures, failures): ([UInt64], [[UInt8]]) = ([], [])
      try snapshot.forEachPicture { id, record in
        if CollectionRoots.parts(of: record.path).root == root { pictures.append(id) }
      }
      try snapshot.forEachFailure { failure in
        if CollectionRoots.parts(of: failure.path).root == root { failures.append(failure.path) }
      }
      return (pictures, failures)
    }
    for start in stride(from: 0, to: pictures.count, by: batch) {
      try write { change in
        for id in pictures[start...].prefix(batch) { try change.removePicture(id) }
      }
    }
    try write { change in
      for path in failures { try change.removeFailure(path: path) }
    }
    return pictures.count
  }
}
