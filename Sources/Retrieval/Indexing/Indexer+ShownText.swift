import Images
internal import Store

extension Indexer {
  /// Pictures whose words are removed in one transaction.
  private static let picturesAtOnce = 1000

  /// Whether the text in pictures is read from now on; nil: as recorded in the index. Where it is not, the words
  /// that were read leave the index; where it is, this machine must be able to.
  func setReadsText(_ wanted: Bool?, in store: IndexStore) throws {
    let present = try store.read { try $0.readsText() }
    let isRead = wanted ?? present
    if isRead {
      do { try decoder.requireTextReading() } catch let error as TextReadingError {
        throw RetrievalError(.textNotReadable, error.description)
      }
    }
    if isRead != present { try store.write { try $0.setReadsText(isRead) } }
    guard !isRead else { return }
    while true {
      let ids = try store.read { try $0.picturesWithShownText(most: Self.picturesAtOnce) }
      guard !ids.isEmpty else { return }
      try store.write { change in for id in ids { try change.setShownText(nil, of: id) } }
    }
  }
}
