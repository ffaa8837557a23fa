// Damages an index at random, and counts what its check and its repair make of it:
//
//     damage [COUNT [SEED [PICTURES]]]
//
// The index has PICTURES pictures (520) with captions, details, signatures and patch features, and a history
// of changes and deletions, so that earlier versions of its rows lie in free pages. Each of COUNT damages (2,000)
// is checked and repaired in a process of its own with limits on memory and time; then everything that the
// index says is compared with what it said before. Prints a table, and writes damage.bench.json. The exit code
// is 1 if there was a crash, a hang, or an answer that was wrong and not reported.

import BenchmarkSupport
import Foundation
import Glibc
import Random
import Retrieval

if CommandLine.arguments.count == 4, CommandLine.arguments[1] == "--child" {
  exit(child(CommandLine.arguments[2], CommandLine.arguments[3]))
}

let numbers = CommandLine.arguments.dropFirst().map { Int($0) }
guard numbers.count <= 3, numbers.allSatisfy({ $0 ?? 0 > 0 }) else {
  fatalError("damage [COUNT [SEED [PICTURES]]]")
}
let count = (numbers.first ?? 2000) ?? 2000
let seed = UInt64((numbers.count > 1 ? numbers[1] : 1) ?? 1)
let pictureCount = (numbers.count > 2 ? numbers[2] : 520) ?? 520

var tallies: [Damage: Tally] = [:]
try withTemporaryFolder { folder in
  let sample = try MadeIndex(at: "\(folder)/index", pictures: pictureCount, seed: 1)
  let other = try MadeIndex(at: "\(folder)/other", pictures: pictureCount, seed: 2)
  print("\(sample.contents.pictures.count) pictures, \(sample.bytes.count) bytes")
  var random = SplitMix64(seed: seed)
  for number in 0..<count {
    let damage = Damage.allCases[number % Damage.allCases.count]
    let bytes = damage.inflict(on: sample.bytes, other: other.bytes, &random)
    let path = "\(folder)/damaged"
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/data.mdb"))
    try sample.settings.write(to: URL(fileURLWithPath: "\(path)/settings"))
    let faults = try tallies[damage, default: Tally()].take(path, sample)
    for fault in faults { print("damage \(number) (seed \(seed), \(damage.rawValue)): \(fault)") }
  }
}

var total = Tally()
func row(_ name: String, _ tally: Tally) -> String {
  func share(_ part: Int, _ whole: Int) -> String {
    whole == 0 ? "–" : String(format: "%.2f %%", 100 * Double(part) / Double(whole))
  }
  return "| \(name) | \(tally.damages) | \(tally.harmless) | \(tally.crashes) | \(tally.hangs) "
    + "| \(tally.wrong) | \(share(tally.repaired, tally.damages - tally.harmless)) "
    + "| \(share(tally.kept, tally.all)) |"
}
print(
  "| damage | number | not to be seen | crashes | hangs | wrong answers | repaired | pictures saved |\n"
    + "|---|---|---|---|---|---|---|---|")
var rows: [Row] = []
for damage in Damage.allCases {
  guard let tally = tallies[damage] else { continue }
  print(row(damage.rawValue, tally))
  total.add(tally)
  rows.append(
    Row(
      work: "pictures saved, \(damage.rawValue)",
      value: 100 * Double(tally.kept) / Double(max(1, tally.all)), unit: "%"))
}
print(row("all", total))
let seen = total.damages - total.harmless
rows += [
  Row(work: "damages", value: Double(total.damages), unit: ""),
  Row(work: "crashes", value: Double(total.crashes), unit: "", target: "0"),
  Row(work: "hangs", value: Double(total.hangs), unit: "", target: "0"),
  Row(work: "wrong answers", value: Double(total.wrong), unit: "", target: "0"),
  Row(
    work: "repaired", value: 100 * Double(total.repaired) / Double(max(1, seen)), unit: "%",
    target: "99"),
]
let encoder = JSONEncoder()
encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
try encoder.encode(rows).write(
  to: URL(fileURLWithPath: "\(checkout)/Benchmarks/damage.bench.json"))
exit(total.crashes + total.hangs + total.wrong == 0 ? 0 : 1)
