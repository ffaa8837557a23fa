import Files
import Retrieval

/// Shows the progress of an indexing run and, at the end, what failed.
struct IndexingProgress {
  private var bar: ProgressBar
  private var isOfDetails = false
  private var isOfTexts = false
  private var failures: [(path: String, reason: String)] = []
  private var failureCount = 0
  private let console: Console

  /// At most this many failures are listed with their reasons.
  private static let listedFailures = 20

  /// Up to this many, updating the vector index is too quick to mention.
  private static let manyVectors = 50_000

  init(console: Console) {
    self.console = console
    bar = ProgressBar("scanning for pictures", console: console)
  }

  mutating func receive(_ event: IndexingEvent) {
    switch event {
    case .replacing(let old, let new):
      bar.clear()
      Console.note(
        "the index was built with \(old): building a new one with \(new), which then replaces it")
    case .waiting(let holder):
      bar.clear()
      Console.noteWaiting(for: holder)
    case .scanned(let found, let toEncode):
      bar.clear()
      Console.note("found \(counted(found, "picture")), \(toEncode) to encode")
      bar.start("pictures", total: toEncode)
    case .encoded(let count):
      bar.advance(to: count)
    case .details(let count, let of):
      if !isOfDetails { bar.start("details", total: of) }
      isOfDetails = true
      bar.advance(to: count)
    case .texts(let count, let of):
      if !isOfTexts { bar.start("texts", total: of) }
      isOfTexts = true
      bar.advance(to: count)
    case .arranging(let count):
      bar.clear()
      if count > Self.manyVectors {
        Console.note("updating the vector index of \(count) embeddings")
      }
    case .failed(let path, let reason):
      failureCount += 1
      if failures.count < Self.listedFailures { failures.append((path, reason)) }
    case .warning(let text):
      bar.clear()
      Console.note(printable(text))
    case .finished: break
    }
  }

  /// Removes the bar and lists what failed.
  mutating func finish() {
    bar.clear()
    guard failureCount > 0 else { return }
    Console.note("\(counted(failureCount, "picture")) could not be indexed:")
    for failure in failures {
      try? console.write("  \(printable(failure.path)): \(printable(failure.reason))\n")
    }
    if failureCount > failures.count {
      try? console.write("  and \(failureCount - failures.count) more (blip info --failures)\n")
    }
    failureCount = 0
  }
}
