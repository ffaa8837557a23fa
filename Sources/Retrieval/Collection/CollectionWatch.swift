internal import Files
internal import Glibc
public import Store

/// Says when the pictures of a collection may have changed.
public final class CollectionWatch {
  /// Changes that follow each other within this time are one: a folder that is copied is indexed at once.
  private static let quiet: Int32 = 1000
  /// After so many waits in which something changed, it is time to index what is there.
  private static let mostWaits = 30

  private let watch: FolderWatch

  /// Begins to watch folders.
  /// - Throws: `RetrievalError`; its text says what to do where the system watches no more folders.
  public init(_ folders: [String]) throws(RetrievalError) {
    do throws(FileError) { watch = try FolderWatch(folders.map { Array($0.utf8) }) } catch {
      throw Self.failure(error)
    }
  }

  /// Waits for a change, and until nothing has changed for a moment.
  /// - Parameter shouldStop: Asked several times a second.
  /// - Returns: False where `shouldStop` ended it.
  public func next(shouldStop: () -> Bool) throws(RetrievalError) -> Bool {
    do throws(FileError) {
      while try !watch.waitForChange(milliseconds: 200) {
        if shouldStop() { return false }
      }
      for _ in 0..<Self.mostWaits {
        guard try watch.waitForChange(milliseconds: Self.quiet), !shouldStop() else { break }
      }
    } catch { throw Self.failure(error) }
    return !shouldStop()
  }

  private static func failure(_ error: FileError) -> RetrievalError {
    guard case .system(ENOSPC) = error else {
      return RetrievalError("the folders cannot be watched: \(error)")
    }
    return RetrievalError(
      "the system watches no more folders; raise fs.inotify.max_user_watches (sysctl)")
  }
}
