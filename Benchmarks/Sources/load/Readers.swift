import BenchmarkSupport
import Foundation
import Retrieval
import Synchronization

/// Searches one after the other in this process, which keeps the index open, until the file `stop` is
/// there; prints the milliseconds of each.
func read(_ index: String, until stop: String) throws {
  let searcher = try Searcher(index: index, modelPath: nil)
  let queries = ["a red wall", "blue and green squares", "a dog on a beach", "two people", "night"]
  var number = 0
  repeat {
    let query = queries[number % queries.count]
    let spent = try seconds {
      let hits = try searcher.search(text: query, count: 10, rerankDepth: 0, minimumMatch: nil)
      guard hits.count == 10 else { throw BenchmarkError("\(hits.count) hits instead of 10") }
    }
    print(spent * 1000)
    number += 1
  } while access(stop, F_OK) != 0
}

/// The milliseconds of all searches that so many processes, each of them this program again, do on an
/// index while `body` runs. A search that fails is an error.
func searches(of index: String, by readers: Int, during body: () throws -> Void) throws -> Samples {
  let stop = index + ".stop"
  try? FileManager.default.removeItem(atPath: stop)
  let results = Mutex<[Result<String, any Error>]>([])
  let group = DispatchGroup()
  for _ in 0..<readers {
    group.enter()
    // A thread each: all of them wait.
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
