/// A set of page numbers of a file, a bit each.
struct PageSet {
  private var words: [UInt64]

  init(upTo count: UInt64) { words = .init(repeating: 0, count: Int((count + 63) / 64)) }

  func contains(_ page: UInt64) -> Bool {
    let word = Int(clamping: page / 64)
    return word < words.count && words[word] & 1 << (page % 64) != 0
  }

  /// False if the page was in the set already, or cannot be.
  mutating func insert(_ page: UInt64) -> Bool {
    let word = Int(clamping: page / 64)
    guard word < words.count, words[word] & 1 << (page % 64) == 0 else { return false }
    words[word] |= 1 << (page % 64)
    return true
  }
}

/// What reading a tree page by page found.
package struct TreeReading {
  /// What is wrong with its pages: the first descriptions, and how many there are.
  package private(set) var faults: [String] = []
  package private(set) var faultCount = 0
  /// The keys whose entries may be missing, because they would be in a page that cannot be read.
  package fileprivate(set) var gaps: [KeyRange] = []
  /// The number of entries that were read.
  package fileprivate(set) var entries: UInt64 = 0
  fileprivate var branchPages: UInt64 = 0
  fileprivate var leafPages: UInt64 = 0
  fileprivate var overflowPages: UInt64 = 0

  private static let mostFaults = 20

  mutating func add(_ fault: @autoclosure () -> String) {
    faultCount += 1
    if faults.count < Self.mostFaults { faults.append(fault()) }
  }
}

extension PageFile {
  /// Reads the tree of a table from its root, in the order of keys.
  ///
  /// Pages that are not valid, or that do not belong where they are, are left out, and so are values
  /// whose pages are not there; the result says which keys may be missing.
  /// - Parameter body: Returns false if the entry is not what was written. Then the keys of its page count as
  ///   missing, but for those that are passed to `body`: the page may be another one.
  package func read(
    _ tree: TreeRecord, _ body: ([UInt8], StoredValue) throws -> Bool
  ) throws -> TreeReading {
    var claimed = PageSet(upTo: pageCount)
    return try read(tree, order: .bytes, claiming: &claimed, body)
  }

  /// - Parameter claimed: The pages of other trees, to which those of this one are added.
  func read(
    _ tree: TreeRecord, order: KeyOrder, claiming claimed: inout PageSet,
    _ body: ([UInt8], StoredValue) throws -> Bool
  ) throws -> TreeReading {
    var walk = TreeWalk(file: self, tree: tree, order: order, claimed: claimed)
    try walk.run(body)
    claimed = walk.claimed
    return walk.reading
  }

  /// The value of a key in a tree; nil if the key is not there.
  /// - Throws: `MalformedBytes` if a page on the way cannot be read.
  package func value(of key: [UInt8], in tree: TreeRecord) throws(MalformedBytes) -> StoredValue? {
    guard tree.root != TreeRecord.noPage else { return nil }
    var (number, range) = (tree.root, KeyRange.all)
    for _ in 0..<TreeRecord.deepest {
      let page = try page(number)
      guard page.hasKeys(inOrder: .bytes, within: range) else {
        throw MalformedBytes("keys out of order")
      }
      guard page.kind == .branch else {
        return (0..<page.count).first { page.key($0) == key }.map { page.value($0) }
      }
      var index = 0
      while index + 1 < page.count, !key.lexicographicallyPrecedes(page.key(index + 1)) {
        index += 1
      }
      if index > 0 { range.lower = page.key(index) }
      if index + 1 < page.count { range.upper = page.key(index + 1) }
      number = page.child(index)
    }
    throw MalformedBytes("a tree without end")
  }

  /// The valid leaf pages at any place of the file that do not belong to `claimed`: of earlier
  /// transactions, or of trees that cannot be read from their root.
  func leaves(outside claimed: PageSet, _ body: (Page) throws -> Void) rethrows {
    for place in 2..<max(2, pageCount) where !claimed.contains(place) {
      guard let bytes = bytes(place), let page = try? Page(bytes), page.kind == .leaf else {
        continue
      }
      try body(page)
    }
  }
}

private struct TreeWalk {
  let file: PageFile
  let tree: TreeRecord
  let order: KeyOrder
  var claimed: PageSet
  var reading = TreeReading()

  mutating func run(_ body: ([UInt8], StoredValue) throws -> Bool) throws {
    guard tree.root != TreeRecord.noPage else {
      if tree.entries != 0 || tree.depth != 0 { miss(.all, "a table of entries without pages") }
      return
    }
    try visit(tree.root, .all, depth: 1, body)
    let isComplete = reading.entries == tree.entries
    if reading.faultCount == 0,
      !isComplete || reading.branchPages != tree.branchPages
        || reading.leafPages != tree.leafPages || reading.overflowPages != tree.overflowPages
    {
      let fault = "\(reading.entries) entries in place of \(tree.entries)"
      reading.add(fault)
      if !isComplete { reading.gaps = [.all] }
    }
  }

  private mutating func miss(_ range: KeyRange, _ fault: @autoclosure () -> String) {
    reading.add(fault())
    reading.gaps.append(range)
  }

  private mutating func visit(
    _ number: UInt64, _ range: KeyRange, depth: Int,
    _ body: ([UInt8], StoredValue) throws -> Bool
  ) throws {
    guard number >= 2, number < file.pageCount else {
      return miss(range, "page \(number), which is past the end of the file")
    }
    guard claimed.insert(number) else {
      return miss(range, "page \(number), which belongs to something else too")
    }
    let page: Page
    do throws(MalformedBytes) { page = try file.page(number) } catch {
      return miss(range, "page \(number) is \(error.reason)")
    }
    guard (page.kind == .leaf) == (depth == tree.depth), depth <= TreeRecord.deepest,
      page.hasKeys(inOrder: order, within: range)
    else { return miss(range, "page \(number) does not belong there") }
    if page.kind == .leaf { return try take(page, range, body) }
    reading.branchPages += 1
    for index in 0..<page.count {
      var part = range
      if index > 0 { part.lower = page.key(index) }
      if index + 1 < page.count { part.upper = page.key(index + 1) }
      try visit(page.child(index), part, depth: depth + 1, body)
    }
  }

  private mutating func take(
    _ page: Page, _ range: KeyRange, _ body: ([UInt8], StoredValue) throws -> Bool
  ) throws {
    reading.leafPages += 1
    var isSound = true
    for index in 0..<page.count {
      let (key, value) = (page.key(index), page.value(index))
      if case .overflow(let first, let size) = value {
        guard claim(first, size) else {
          miss(.only(key), "the value at page \(first) is not there")
          continue
        }
      }
      reading.entries += 1
      if try !body(key, value) { isSound = false }
    }
    if !isSound { reading.gaps.append(range) }
  }

  private mutating func claim(_ first: UInt64, _ size: Int) -> Bool {
    guard let count = file.overflowPages(first, size: size) else { return false }
    for page in first..<first + count where !claimed.insert(page) { return false }
    reading.overflowPages += count
    return true
  }
}
