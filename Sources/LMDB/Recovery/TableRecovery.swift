/// The rows of a damaged data file, table by table.
///
/// The newest snapshot's trees are read first. Only keys that would be in pages that cannot be read are then
/// looked for in the snapshot before it and, last, in leaf pages of any age: a row that was deleted stays
/// deleted where that can be known.
package final class TableRecovery {
  /// A row that was found.
  package struct Row {
    package let key: [UInt8]
    package let value: [UInt8]
    /// Whether it belongs to the newest snapshot whose tables are found. Others may be older, and of a row
    /// that was deleted since.
    package let isCurrent: Bool
  }

  /// Whether the tables are surely those of the last transaction: both headers and the whole list of tables
  /// were there.
  package let isNewest: Bool

  private let file: PageFile
  /// The trees of each table, the newest first.
  private var trees: [String: [TreeRecord]] = [:]
  /// Pages of the trees that are read first, which need not be read again.
  private var claimed: PageSet

  /// Looks for the tables of a file.
  package init(_ file: PageFile) {
    self.file = file
    file.findMovedPages()
    claimed = PageSet(upTo: file.pageCount)
    let snapshots = file.snapshots.map { file.tables(of: $0) }
    let isWhole = snapshots.first?.isWhole ?? false
    isNewest = isWhole && snapshots.count == 2
    for snapshot in snapshots {
      for (name, tree) in snapshot.trees { add(name, tree) }
    }
    if !isWhole { addStrayTables() }
    for tree in trees.values.compactMap(\.first) {
      _ = try? file.read(tree, order: .bytes, claiming: &claimed) { _, _ in true }
    }
  }

  /// The number of the last transaction by the headers; nil if both are lost.
  package var transaction: UInt64? { file.snapshots.first?.transaction }

  /// The names of the tables that were found.
  package var names: Set<String> { Set(trees.keys) }

  /// How many rows a table had by its newest record; nil if that was not found.
  package func entries(of table: String) -> Int? {
    trees[table]?.first.map { Int(clamping: $0.entries) }
  }

  /// The value of a key in the newest tree of a table; nil if it is not there.
  /// - Throws: `MalformedBytes` if that cannot be known.
  package func value(of key: [UInt8], in table: String) throws(MalformedBytes) -> [UInt8]? {
    guard let tree = trees[table]?.first else { throw MalformedBytes("no such table") }
    guard let value = try file.value(of: key, in: tree) else { return nil }
    guard let bytes = file.bytes(of: value) else { throw MalformedBytes("no value") }
    return bytes
  }

  /// Passes the rows of a table to `body`, which returns whether a row is what was written. Those of the
  /// newest snapshot come first; the same key may come again with an older value if `body` refused it, or its
  /// page holds a row that `body` refused.
  package func forEachRow(of table: String, _ body: (Row) throws -> Bool) throws {
    var gaps = KeyRanges([.all])
    for (index, tree) in (trees[table] ?? []).enumerated() where !gaps.isEmpty {
      let reading = try file.read(tree) { key, value in
        guard gaps.contains(key) else { return true }
        guard let bytes = file.bytes(of: value) else { return false }
        return try body(Row(key: key, value: bytes, isCurrent: index == 0))
      }
      // An older tree says nothing of keys that are newer.
      if index == 0 { gaps = KeyRanges(reading.gaps) }
    }
    guard !gaps.isEmpty else { return }
    try file.leaves(outside: claimed) { page in
      for index in 0..<page.count {
        let key = page.key(index)
        guard gaps.contains(key), let bytes = file.bytes(of: page.value(index)) else { continue }
        _ = try body(Row(key: key, value: bytes, isCurrent: false))
      }
    }
  }

  /// The rows of every leaf page that has a key, of whatever age and table.
  package func leaves(withKey wanted: [UInt8]) -> [[[UInt8]: [UInt8]]] {
    var leaves: [[[UInt8]: [UInt8]]] = []
    file.leaves(outside: PageSet(upTo: 0)) { page in
      guard leaves.count < Self.mostLeaves,
        (0..<page.count).contains(where: { page.key($0) == wanted })
      else { return }
      var rows: [[UInt8]: [UInt8]] = [:]
      for index in 0..<page.count { rows[page.key(index)] = file.bytes(of: page.value(index)) }
      leaves.append(rows)
    }
    return leaves
  }

  private static let mostLeaves = 256

  private func add(_ name: String, _ tree: TreeRecord) {
    if trees[name]?.contains(tree) != true { trees[name, default: []].append(tree) }
  }

  /// Adds the tables of leaf pages that hold records of tables, as that of all tables does.
  private func addStrayTables() {
    let freed = lastFreedPages()
    var found: [(trees: [(String, TreeRecord)], isFreed: Bool, sound: Int, entries: UInt64)] = []
    file.leaves(outside: PageSet(upTo: 0)) { page in
      guard found.count < Self.mostStrayLists else { return }
      var trees: [(String, TreeRecord)] = []
      for index in 0..<page.count {
        guard case .tree(let tree) = page.value(index), tree.flags == 0 else { continue }
        trees.append((String(decoding: page.key(index), as: UTF8.self), tree))
      }
      guard !trees.isEmpty else { return }
      let sound = trees.count { (try? file.read($0.1) { _, _ in true })?.faultCount == 0 }
      found.append(
        (
          trees, freed.contains(page.number), sound,
          trees.reduce(0) { $0 &+ min($1.1.entries, 1 << 40) }
        ))
    }
    found.sort {
      ($0.isFreed ? 0 : 1, $0.sound, $0.entries) > ($1.isFreed ? 0 : 1, $1.sound, $1.entries)
    }
    for list in found {
      for (name, tree) in list.trees { add(name, tree) }
    }
  }

  private static let mostStrayLists = 64

  /// The free pages by the newest page of lists of them that is found: none of them is current.
  private func lastFreedPages() -> Set<UInt64> {
    var (newest, freed): (UInt64, Set<UInt64>) = (0, [])
    file.leaves(outside: PageSet(upTo: 0)) { page in
      var (last, pages): (UInt64, Set<UInt64>) = (0, [])
      for index in 0..<page.count {
        let key = page.key(index)
        guard key.count == 8, case let number = key.load(0, UInt64.self), number < 1 << 40,
          let list = file.bytes(of: page.value(index)), list.count >= 8,
          case let count = list.load(0, UInt64.self), count <= UInt64(list.count / 8 - 1)
        else { return }
        last = max(last, number)
        for entry in 1..<1 + Int(count) { pages.insert(list.load(8 * entry, UInt64.self)) }
      }
      if last > newest { (newest, freed) = (last, pages) }
    }
    return freed
  }
}
