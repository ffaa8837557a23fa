internal import Store

extension PictureIndex {
  /// Removes all captions that a model generated from the index; those that people wrote stay.
  /// - Parameter waiting: Called with the other process's name where this has to wait for it.
  /// - Returns: How many there were.
  @discardableResult
  public func forgetGeneratedCaptions(
    waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> Int {
    try await change(waiting: waiting) { try $0.removeSyntheticTexts() }
  }
}

extension IndexStore {
  /// Pictures that lose their texts in one transaction.
  private static let picturesPerCommit = 4096

  fileprivate func removeSyntheticTexts() throws -> Int {
    var count = 0
    let captioned = try read { snapshot in
      // 0: those of no picture.
      var pictures: Set<UInt64> = []
      try snapshot.forEachText { _, text in
        guard text.source.isSynthetic else { return }
        count += 1
        pictures.insert(text.picture ?? 0)
      }
      return pictures.sorted()
    }
    for start in stride(from: 0, to: captioned.count, by: Self.picturesPerCommit) {
      try write { change in
        for id in captioned[start...].prefix(Self.picturesPerCommit) {
          try change.removeSyntheticTexts(of: id == 0 ? nil : id)
        }
      }
    }
    return count
  }
}
