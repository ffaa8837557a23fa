import ArgumentParser
import Files
import Glibc
import Retrieval

struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Keep an index up to date while its folders change.",
    usage: "blip watch [<options>]",
    discussion: """
      EXAMPLES
        blip watch
        blip watch --index indexes/demo

      Updates the index as blip index would, with its folders and settings, first at once and then \
      whenever pictures are added, changed or removed. Ctrl-C stops it.
      """)

  @OptionGroup(title: "Index and model") var index: IndexOption

  @Option(
    name: .customLong("parent"), help: .hidden)
  var parent: Int32?

  func run() async throws {
    let index = try await PictureIndex.open(
      index.pathReportingCrashes(), cache: CacheLocation.standard, decoder: DecodeCommand.decoder)
    let folders = try index.metadata.roots.all.map(\.path)
    Interruption.watch()
    // Begun before the first update, so that nothing that changes during it is missed.
    let watch = try CollectionWatch(folders)
    Console.note("watching \(folders.map { printable($0) }.joined(separator: ", ")) (Ctrl-C stops)")
    repeat {
      do { try await update(index, from: folders) } catch let error as RetrievalError {
        // A disk that is not mounted, for example: it may be back at the next change.
        Console.note("\(error)")
      }
    } while try watch.next(shouldStop: shouldStop)
    await index.close()
  }

  private func update(_ index: PictureIndex, from folders: [String]) async throws {
    let summary = try await Interruption.cancelling {
      var summary = IndexingSummary()
      for try await event in index.update(from: folders) {
        switch event {
        case .finished(let final): summary = final
        case .failed(let path, let reason): Console.note("\(printable(path)): \(reason)")
        case .warning(let text): Console.note(text)
        default: break
        }
        Interruption.cancelIfRequested()
      }
      return summary
    }
    guard summary.hasChanges || summary.failed > 0 else { return }
    let counts = [
      (summary.added, "added"), (summary.changed, "changed"), (summary.moved, "moved"),
      (summary.vanished, "removed"), (summary.failed, "failed"),
    ]
    Console.note(
      counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        + " (\(duration(summary.seconds)))")
  }

  /// Whether it was interrupted, or the server that started it is gone.
  private func shouldStop() -> Bool {
    Interruption.isRequested() || parent.map { getppid() != $0 } ?? false
  }
}

/// A `blip watch` in a process of its own, which ends with this one.
struct WatchProcess {
  private let id: pid_t

  init(index: String) throws(CommandFailure) {
    let words = [
      "/proc/self/exe", WatchCommand.configuration.commandName!, "--index", index, "--parent",
      "\(getpid())",
    ]
    let arguments = words.map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, words[0], nil, nil, arguments + [nil], environ)
    guard code == 0 else {
      throw CommandFailure("cannot start blip watch: \(String(cString: strerror(code)))")
    }
    id = process
  }

  /// Ends it after its current batch.
  func stop() {
    kill(id, SIGTERM)
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0, errno == EINTR {}
  }
}
