/// What is wrong with the pages of a data file, apart from what is stored in them.
package struct PageCheck {
  /// A table, or what else pages belong to, and what is wrong with its pages.
  package struct Fault {
    package let table: String
    package let count: Int
    /// The first descriptions.
    package let examples: [String]
  }

  /// What the faults of lists of free pages are of.
  package static let freePages = "free pages"

  /// Empty if LMDB can read the file.
  package private(set) var faults: [Fault] = []

  /// A check that finds nothing.
  package init() {}

  /// The tables and their numbers of entries, by name.
  package fileprivate(set) var tables: [(name: String, entries: Int)] = []

  fileprivate mutating func add(_ table: String, _ reading: TreeReading) {
    guard reading.faultCount > 0 else { return }
    faults.append(Fault(table: table, count: reading.faultCount, examples: reading.faults))
  }

  fileprivate mutating func add(_ table: String, _ fault: String) {
    faults.append(Fault(table: table, count: 1, examples: [fault]))
  }
}

extension PageFile {
  /// Checks every page that belongs to a snapshot: its header, nodes and keys, that it belongs to one tree
  /// alone, and the lists of free pages.
  package func check(_ snapshot: MetaPage) -> PageCheck {
    var check = PageCheck()
    var claimed = PageSet(upTo: pageCount)
    let tables = tables(of: snapshot, claiming: &claimed)
    check.add("main", tables.reading)
    for (name, tree) in tables.trees {
      check.tables.append((name, Int(clamping: tree.entries)))
      // The closure throws nothing.
      if let reading = try? read(tree, order: .bytes, claiming: &claimed, { _, _ in true }) {
        check.add(name, reading)
      }
    }
    checkFreePages(of: snapshot, &claimed, &check)
    return check
  }

  /// Checks the pages that are read when an environment and some of its tables are opened.
  package func checkOpening(_ snapshot: MetaPage, tables names: Set<String>) -> PageCheck {
    var check = PageCheck()
    var claimed = PageSet(upTo: pageCount)
    let tables = tables(of: snapshot, claiming: &claimed)
    check.add("main", tables.reading)
    for (name, tree) in tables.trees where names.contains(name) {
      if let reading = try? read(tree, order: .bytes, claiming: &claimed, { _, _ in true }) {
        check.add(name, reading)
      }
    }
    return check
  }

  /// The trees of a snapshot's tables by name, as far as they can be read.
  package func tables(of snapshot: MetaPage) -> (
    trees: [(name: String, tree: TreeRecord)], isWhole: Bool
  ) {
    var claimed = PageSet(upTo: pageCount)
    let (trees, reading) = tables(of: snapshot, claiming: &claimed)
    return (trees, reading.faultCount == 0)
  }

  private func tables(of snapshot: MetaPage, claiming claimed: inout PageSet) -> (
    trees: [(name: String, tree: TreeRecord)], reading: TreeReading
  ) {
    var trees: [(name: String, tree: TreeRecord)] = []
    var unknown: [String] = []
    let reading = try? read(snapshot.main, order: .bytes, claiming: &claimed) { key, value in
      let name = String(decoding: key, as: UTF8.self)
      guard case .tree(let tree) = value, tree.flags == 0, tree.depth <= TreeRecord.deepest else {
        unknown.append(name)
        return true
      }
      trees.append((name, tree))
      return true
    }
    var result = reading ?? TreeReading()
    for name in unknown { result.add("the record of table \(name) is malformed") }
    return (trees, result)
  }

  private func checkFreePages(
    of snapshot: MetaPage, _ claimed: inout PageSet, _ check: inout PageCheck
  ) {
    let name = PageCheck.freePages
    let free = freePages(of: snapshot, claiming: &claimed)
    check.add(name, free.reading)
    let past = Set(free.pages.filter { $0 >= pageCount && $0 <= snapshot.lastPage })
    var outside = 0
    for page in free.pages where page < pageCount {
      if page < 2 || page > snapshot.lastPage || !claimed.insert(page) { outside += 1 }
    }
    if outside > 0 { check.add(name, "\(outside) pages that are in use, or listed twice") }
    guard snapshot.lastPage < .max else {
      return check.add(name, "an impossible number of pages")
    }
    let end = snapshot.lastPage + 1
    if end > pageCount, UInt64(past.count) < end - pageCount {
      check.add(name, "the file has \(pageCount) pages, and should have \(end)")
    }
    let lost = (2..<max(2, min(end, pageCount))).count { !claimed.contains($0) }
    if lost > 0, free.reading.faultCount == 0, check.faults.isEmpty {
      check.add(name, "\(lost) pages that belong to no table")
    }
  }

  /// The unused pages that the newest transactions have left, in lists: a count, then as many page numbers.
  func freePages(of snapshot: MetaPage, claiming claimed: inout PageSet) -> (
    pages: [UInt64], reading: TreeReading
  ) {
    var pages: [UInt64] = []
    var malformed = 0
    let reading = try? read(snapshot.freePages, order: .numbers, claiming: &claimed) { _, value in
      guard let list = bytes(of: value), list.count >= 8 else {
        malformed += 1
        return true
      }
      let count = list.load(0, UInt64.self)
      guard count <= UInt64(list.count / 8 - 1) else {
        malformed += 1
        return true
      }
      for index in 1..<(1 + Int(count)) { pages.append(list.load(8 * index, UInt64.self)) }
      return true
    }
    var result = reading ?? TreeReading()
    if malformed > 0 { result.add("\(malformed) malformed lists") }
    return (pages, result)
  }
}
