import Files
import Retrieval

/// Scores the texts of pictures, except those that `log` has results for, and shows the progress on
/// standard error. Returns the results in the order of the pictures.
/// - Parameters:
///   - log: Where results are saved; nil: nowhere.
///   - run: Scores pictures and hands over the results of each as soon as they are there. Returns
///     whether it scored all of them before it was told to stop.
/// - Throws: An exit code if interrupted.
func score(
  _ inputs: [FilterInput], log: ScoreLog?,
  run: (
    [FilterInput], _ shouldStop: @escaping @Sendable () -> Bool,
    _ take: ([FilteredText]) throws -> Void
  ) async throws -> Bool
) async throws -> [[FilteredText]] {
  let remaining = inputs.filter { log?.results(of: $0) == nil }
  let known = inputs.count - remaining.count
  if known > 0 { Console.note("\(counted(known, "picture")) already scored") }
  var bar = ProgressBar("pictures", console: .error)
  bar.start("pictures", total: remaining.count)
  defer { bar.clear() }
  var results: [String: [FilteredText]] = [:]
  var done = 0
  let isComplete = try await run(remaining, Interruption.isRequested) { texts in
    try log?.append(texts)
    if let first = texts.first {
      results[first.picture] = texts
      if case .failure(let error) = first.match {
        bar.clear()
        Console.note(printable(error.description))
      }
    }
    done += 1
    bar.advance(to: done)
  }
  bar.clear()
  guard isComplete else {
    throw Interruption.stopped(
      log == nil
        ? "no file was written" : "progress is saved; run the same command to resume")
  }
  return inputs.map { results[$0.name] ?? log?.results(of: $0) ?? [] }
}
