import Foundation
import Glibc
import Store

/// What became of damages of one kind.
struct Tally {
  var damages = 0
  /// Damages of what is not used, such as free pages: the check finds the index sound, and it is.
  var harmless = 0
  var crashes = 0
  var hangs = 0
  var wrong = 0
  var repaired = 0
  /// Pictures that were kept of all those of the damaged indexes.
  var kept = 0
  var all = 0

  mutating func add(_ other: Tally) {
    damages += other.damages
    harmless += other.harmless
    crashes += other.crashes
    hangs += other.hangs
    wrong += other.wrong
    repaired += other.repaired
    kept += other.kept
    all += other.all
  }

  /// Checks and repairs a damaged index; returns what went wrong.
  mutating func take(_ path: String, _ sample: MadeIndex) throws -> [String] {
    let contents = sample.contents
    damages += 1
    var faults: [String] = []
    let checked = end(of: try run("check", path), &faults)
    if checked == 0 {
      harmless += 1
      let now = try Contents(of: path)
      if now != contents {
        wrong += 1
        faults.append(
          "found sound, and \(contents.contradiction(in: now) ?? "something is missing")")
      }
      return faults
    }
    all += contents.pictures.count
    guard end(of: try run("repair", path), &faults) == 0 else { return faults }
    repaired += 1
    let lost = try Data(contentsOf: URL(fileURLWithPath: "\(path)/lost"))
    let now = try Contents(of: path)
    kept += now.pictures.count
    if let contradiction = contents.contradiction(in: now) {
      wrong += 1
      faults.append("repaired, and \(contradiction)")
    } else if String(decoding: lost, as: UTF8.self).split(separator: " ").compactMap({ Int($0) })
      .enumerated().contains(where: { index, lost in
        lost
          < (index == 0
            ? contents.pictures.count - now.pictures.count : contents.texts.count - now.texts.count)
      })
    {
      wrong += 1
      faults.append("repaired, and more was lost than was reported")
    }
    return faults
  }

  /// The exit code of a child: 0 where it found or made a sound index.
  private mutating func end(of status: Int32?, _ faults: inout [String]) -> Int32 {
    guard let status else {
      hangs += 1
      faults.append("no end within \(secondsAllowed) seconds")
      return -1
    }
    if status & 0x7F != 0 {
      crashes += 1
      faults.append("ended by the signal \(status & 0x7F)")
      return -1
    }
    let code = status >> 8
    if code > 2 {
      crashes += 1
      faults.append("ended with the exit code \(code)")
    }
    return code
  }
}

private let secondsAllowed = 60
private let bytesAllowed: UInt = 1 << 30

/// Runs this program again on an index; nil if it does not end.
private func run(_ task: String, _ path: String) throws -> Int32? {
  let words = ["/proc/self/exe", "--child", task, path].map { strdup($0 as String) }
  defer { words.forEach { free($0) } }
  var child: pid_t = 0
  guard posix_spawn(&child, "/proc/self/exe", nil, nil, words + [nil], environ) == 0 else {
    fatalError("cannot start a process")
  }
  let start = ContinuousClock.now
  var status: Int32 = 0
  while waitpid(child, &status, WNOHANG) != child {
    usleep(1000)
    guard ContinuousClock.now - start < .seconds(secondsAllowed) else {
      kill(child, SIGKILL)
      waitpid(child, &status, 0)
      return nil
    }
  }
  return status
}

/// What a child does: 0 if the index is sound, 1 if it is not, 2 if nothing of it can be recovered.
func child(_ task: String, _ path: String) -> Int32 {
  var limit = rlimit(rlim_cur: bytesAllowed, rlim_max: bytesAllowed)
  setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
  do {
    if task == "check" { return try IndexStore.check(path).isSound ? 0 : 1 }
    let repair = try IndexStore.repair(path)
    // What is not counted may be any number.
    let lost = repair.isCounted ? [repair.pictures, repair.texts] : [.max, .max]
    try Data(lost.map(String.init).joined(separator: " ").utf8).write(
      to: URL(fileURLWithPath: "\(path)/lost"))
    return try IndexStore.check(path).isSound ? 0 : 1
  } catch {
    print("\(task): \(error)")
    return (error as? RetrievalError)?.code == .beyondRepair ? 2 : 3
  }
}
