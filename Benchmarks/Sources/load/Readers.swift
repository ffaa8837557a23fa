import BenchmarkSupport
import Foundation
import Retrieval
import Synchronization

/// Searches repeatedly in this process, which keeps the index open, until the file `stop` exists;
/// prints the duration of each search in milliseconds.
func read(_ path: String, until stop: String) async throws {
  let index = try await PictureIndex.open(path)
  let options = SearchOptions(rerankDepth: 0)
  let queries = ["a red wall", "blue and green squares", "a dog on a beach", "two people", "night"]
  var number = 0
  repeat {
    let query = queries[number % queries.count]
    let start = ContinuousClock.now
    let hits = try await index.search(text: query, options: options)
    guard hits.count == 10 else { throw BenchmarkError("\(hits.count) hits instead of 10") }
    print((ContinuousClock.now - start) / .milliseconds(1))
    number += 1
  } while access(stop, F_OK) != 0
}

/// Starts `readers` processes of this program that search an index while `body` runs; returns the
/// durations of all searches in milliseconds. A failed search is an error.
func searches(of index: String, by readers: Int, during body: () throws -> Void) throws -> Samples {
  let stop = index + ".stop"
  try? FileManager.default.removeItem(atPath: stop)
  let results = Mutex<[Result<String, any Error>]>([])
  let group = DispatchGroup()
  for _ in 0..<readers {
    group.enter()
    // One thread per process, because each blocks.
    Thread.detachNewThread {
      let result = Result { try run("/proc/self/exe", ["reader", index, stop]) }
      results.withLock { $0.append(result) }
      group.leave()
    }
  }
  let outcome = Result { try body() }
  FileManager.default.createFile(atPath: stop, contents: nil)
  group.wait()
  try outcome.get()
  let printed = try results.withLock { try $0.map { try $0.get() } }
  return Samples(printed.flatMap { $0.split(separator: "\n") }.compactMap { Double($0) })
}
