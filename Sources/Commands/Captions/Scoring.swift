import Files
import Retrieval

/// The pictures of a captions file, each with its captions; says on standard error what is wrong with it.
/// - Parameter images: The folder that picture paths are relative to; nil: that of the file.
func captionedPictures(_ captions: String, images: String?) throws -> [FilterInput] {
  let files = try CaptionedFiles(captions: captions, images: images)
  for warning in files.warnings { Console.note(printable(warning)) }
  return files.pictures
}

/// Scores the texts of pictures, except those that `log` has results for, and shows the progress on
/// standard error. Returns the results in the order of the pictures.
/// - Parameters:
///   - log: Where results are saved; nil: nowhere.
///   - results: Scores the texts of pictures.
/// - Throws: An exit code if interrupted.
func score(
  _ inputs: [FilterInput], log: ScoreLog?,
  results: ([FilterInput]) -> EventSequence<[FilteredText]>
) async throws -> [[FilteredText]] {
  let remaining = inputs.filter { log?.results(of: $0) == nil }
  let known = inputs.count - remaining.count
  if known > 0 { Console.note("\(counted(known, "picture")) already scored") }
  var bar = ProgressBar("pictures", console: .error)
  bar.start("pictures", total: remaining.count)
  defer { bar.clear() }
  var scored: [String: [FilteredText]] = [:]
  var done = 0
  for try await texts in results(remaining) {
    try log?.append(texts)
    if let first = texts.first {
      scored[first.picture] = texts
      if case .failure(let error) = first.probability {
        bar.clear()
        Console.note(printable(error.description))
      }
    }
    done += 1
    bar.advance(to: done)
    Interruption.cancelIfRequested()
  }
  bar.clear()
  guard done == remaining.count else {
    throw Interruption.stopped(
      log == nil
        ? "no file was written" : "progress is saved; run the same command to resume")
  }
  return inputs.map { scored[$0.name] ?? log?.results(of: $0) ?? [] }
}
