internal import Store
import Synchronization

/// Writes how far a run has come into the index directory, where ``PictureIndex/runProgress()`` of other processes
/// reads it.
final class ProgressFile: Sendable {
  private let index: String
  private let counts = Mutex((done: 0, total: 0))

  init(index: String) { self.index = index }

  func take(_ event: IndexingEvent) {
    let counts: (done: Int, total: Int)? = counts.withLock { counts in
      switch event {
      case .scanned(_, let toEncode): counts = (0, toEncode)
      case .encoded(let count): counts.done = count
      default: return nil
      }
      return counts
    }
    guard let counts, counts.total > 0 else { return }
    RunProgress(done: min(counts.done, counts.total), total: counts.total).write(index: index)
  }

  func remove() { RunProgress.remove(index: index) }
}
