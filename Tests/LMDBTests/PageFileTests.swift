import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import LMDB

/// Reading a data file page by page, without LMDB.
@Suite("The pages of a data file") struct PageFileTests {
  private typealias Values = Table<RawBytes, RawBytes>

  /// The bytes of a file with free pages, and two tables, one of which has values in overflow pages; and what
  /// they hold.
  struct Sample {
    var bytes: [UInt8]
    var tables: [String: [[UInt8]: [UInt8]]] = [:]

    init(seed: UInt64) throws {
      let folder = TemporaryFolder()
      var tables: [String: [[UInt8]: [UInt8]]] = [:]
      do {
        var random = SplitMix64(seed: seed)
        let environment = try Environment(folder.path, access: .readWrite)
        for _ in 0..<6 {
          for name in ["small", "large"] {
            try environment.write { transaction in
              let table = try Values(opening: name, in: transaction, create: true)
              for _ in 0..<80 {
                let key = BigEndianUInt64.encode(.random(in: 0..<400, using: &random))
                let size = Int.random(in: 0...(name == "small" ? 60 : 9000), using: &random)
                let value = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                if Int.random(in: 0..<5, using: &random) == 0 {
                  try table.delete(key, in: transaction)
                } else {
                  try table.put(key, value, in: transaction)
                }
              }
            }
          }
        }
        try environment.write { transaction in
          for name in ["small", "large"] {
            try Values(opening: name, in: transaction).forEach(in: transaction) {
              tables[name, default: [:]][$0] = $1
            }
          }
        }
      }
      self.tables = tables
      bytes = [UInt8](try Data(contentsOf: URL(filePath: folder.path + "/data.mdb")))
    }

    func file() throws -> PageFile { try PageFile(TemporaryFolder().write("data.mdb", bytes)) }
  }

  private static let samples = (0...5).map { try! Sample(seed: $0) }

  /// What a reader finds in the newest snapshot, and whether it says that all is well.
  private func read(_ file: PageFile) throws -> (
    found: [String: [[UInt8]: [UInt8]]], gaps: [String: [KeyRange]], isSound: Bool
  ) {
    guard let snapshot = file.snapshots.first else { return ([:], [:], false) }
    var found: [String: [[UInt8]: [UInt8]]] = [:]
    var gaps: [String: [KeyRange]] = [:]
    for (name, tree) in file.tables(of: snapshot).trees {
      let reading = try file.read(tree) { key, value in
        if let bytes = file.bytes(of: value) { found[name, default: [:]][key] = bytes }
        return true
      }
      gaps[name] = reading.gaps
    }
    return (found, gaps, file.metas.allSatisfy { $0 != nil } && file.check(snapshot).faults.isEmpty)
  }

  @Test("are read as LMDB reads them, and are sound", arguments: 1...5 as ClosedRange<UInt64>)
  func sound(_ seed: UInt64) throws {
    let sample = Self.samples[Int(seed)]
    let file = try sample.file()
    let (found, gaps, isSound) = try read(file)
    #expect(found == sample.tables && isSound)
    #expect(gaps.values.allSatisfy { $0.isEmpty })
    let snapshot = try #require(file.snapshots.first)
    #expect(file.check(snapshot).tables.map { $0.name } == ["large", "small"])
    for (name, tree) in file.tables(of: snapshot).trees {
      for number in 0..<400 as Range<UInt64> {
        let key = BigEndianUInt64.encode(number)
        let value = try file.value(of: key, in: tree).flatMap { file.bytes(of: $0) }
        #expect(value == sample.tables[name]?[key])
      }
    }
  }

  @Test("that are damaged never end a reader; what is missing lies in its gaps", arguments: 0..<60)
  func damaged(_ seed: Int) throws {
    var sample = Self.samples[seed % 4]
    var random = SplitMix64(seed: UInt64(seed))
    let page = Int.random(in: 0..<sample.bytes.count / 4096, using: &random) * 4096
    switch seed % 4 {
    case 0:
      for offset in 0..<4096 { sample.bytes[page + offset] = .random(in: 0...255, using: &random) }
    case 1: for offset in 0..<4096 { sample.bytes[page + offset] = 0 }
    case 2:
      let other = Int.random(in: 2..<sample.bytes.count / 4096, using: &random) * 4096
      for offset in 0..<4096 { sample.bytes.swapAt(max(page, 8192) + offset, other + offset) }
    default:
      for _ in 0..<8 { sample.bytes[page + .random(in: 0..<64, using: &random)] ^= 0x41 }
    }
    let (found, gaps, isSound) = try read(try sample.file())
    for (name, rows) in sample.tables where gaps[name] != nil {
      for key in rows.keys where found[name]?[key] == nil {
        #expect(!isSound && gaps[name]!.contains { $0.contains(key) }, "\(name) \(key)")
      }
    }
    if isSound, page >= 8192 {
      #expect(found.mapValues { $0.count } == sample.tables.mapValues { $0.count })
    }
  }

  @Test("that were exchanged are found where they are", arguments: 0..<20)
  func exchanged(_ seed: Int) throws {
    let sample = Self.samples[3]
    var bytes = sample.bytes
    var random = SplitMix64(seed: UInt64(seed))
    let pages = try sample.file().treePages()
    let (a, b) = (pages.randomElement(using: &random)!, pages.randomElement(using: &random)!)
    for offset in 0..<4096 { bytes.swapAt(Int(a) * 4096 + offset, Int(b) * 4096 + offset) }
    let file = try PageFile(TemporaryFolder().write("data.mdb", bytes))
    let isSound = try read(file).isSound
    #expect(a == b || !isSound)
    file.findMovedPages()
    let found = try read(file).found
    #expect(found == sample.tables)
  }

  @Test("of any bytes are refused or read in bounded time", arguments: 0..<100)
  func anyBytes(_ seed: Int) throws {
    var mutator = Mutator(seed: UInt64(seed), focus: .head(8192), keepsLength: seed % 2 == 0)
    let bytes = mutator.mutated(Self.samples[1].bytes)
    let file = try PageFile(TemporaryFolder().write("data.mdb", bytes))
    file.findMovedPages()
    _ = try read(file)
    _ = try? DataFile.check(file.path)
  }
}

extension PageFile {
  /// The branch and leaf pages of the newest snapshot, and the first pages of values.
  fileprivate func treePages() throws -> [UInt64] {
    (2..<pageCount).filter { number in
      guard let bytes = bytes(number), Page.number(of: bytes) == number else { return false }
      return Page.flags(of: bytes) == Page.overflow || (try? Page(bytes)) != nil
    }
  }
}
