/// A branch or leaf page of a data file, of which every length and offset was checked (lmdb's mdb.c:
/// `MDB_page`, `MDB_node`; 64-bit, native byte order).
struct Page {
  enum Kind: UInt16 { case branch = 1, leaf = 2 }

  static let headerSize = 16
  static let overflow: UInt16 = 4
  static let nodeHeaderSize = 8
  static let longestKey = 511
  /// Flags of a node: its value is in overflow pages; it is the record of a table.
  private static let bigData: UInt16 = 1
  private static let tree: UInt16 = 2

  /// The page's number, by its own header.
  let number: UInt64
  let kind: Kind
  let bytes: [UInt8]
  /// Where the nodes begin, in the order of their keys.
  private let nodes: [Int]

  /// The number of nodes, at least one.
  var count: Int { nodes.count }

  init(_ bytes: [UInt8]) throws(MalformedBytes) {
    guard bytes.count > Self.headerSize else { throw MalformedBytes("missing") }
    guard let kind = Kind(rawValue: Self.flags(of: bytes)) else {
      throw MalformedBytes("neither a branch nor a leaf page")
    }
    (number, self.kind, self.bytes) = (Self.number(of: bytes), kind, bytes)
    let lower = Int(bytes.load(12, UInt16.self))
    let upper = Int(bytes.load(14, UInt16.self))
    guard lower > Self.headerSize, lower.isMultiple(of: 2), lower <= upper, upper <= bytes.count
    else { throw MalformedBytes("impossible bounds") }
    nodes = stride(from: Self.headerSize, to: lower, by: 2).map { Int(bytes.load($0, UInt16.self)) }
    try checkNodes(from: upper)
  }

  /// The number that a page's header says.
  static func number(of bytes: [UInt8]) -> UInt64 { bytes.load(0, UInt64.self) }

  static func flags(of bytes: [UInt8]) -> UInt16 { bytes.load(10, UInt16.self) }

  /// Nodes lie within the page, one after another.
  private func checkNodes(from upper: Int) throws(MalformedBytes) {
    var end = upper
    for node in nodes.sorted() {
      guard node >= end, node + Self.nodeHeaderSize <= bytes.count else {
        throw MalformedBytes("overlapping or impossible nodes")
      }
      let data = node + Self.nodeHeaderSize + Int(bytes.load(node + 6, UInt16.self))
      end = data + storedSize(node)
      guard end <= bytes.count else { throw MalformedBytes("a node past its end") }
    }
    guard kind == .leaf else { return }
    for node in nodes {
      let flags = bytes.load(node + 4, UInt16.self)
      guard flags == 0 || flags == Self.bigData || flags == Self.tree else {
        throw MalformedBytes("a node of an unknown kind")
      }
      guard flags != Self.tree || size(node) == TreeRecord.size else {
        throw MalformedBytes("a malformed record of a table")
      }
      let key = bytes.load(node + 6, UInt16.self)
      guard (1...Self.longestKey).contains(Int(key)) else {
        throw MalformedBytes("a key of \(key) bytes")
      }
    }
  }

  /// The bytes of a node's value in this page.
  private func storedSize(_ node: Int) -> Int {
    guard kind == .leaf else { return 0 }
    return bytes.load(node + 4, UInt16.self) & Self.bigData != 0 ? 8 : size(node)
  }

  private func size(_ node: Int) -> Int { Int(bytes.load(node, UInt32.self)) }

  func key(_ index: Int) -> [UInt8] {
    let start = nodes[index] + Self.nodeHeaderSize
    return Array(bytes[start..<start + Int(bytes.load(nodes[index] + 6, UInt16.self))])
  }

  /// The page that a node of a branch leads to.
  func child(_ index: Int) -> UInt64 {
    UInt64(bytes.load(nodes[index], UInt32.self))
      | UInt64(bytes.load(nodes[index] + 4, UInt16.self)) << 32
  }

  /// The value of a node of a leaf.
  func value(_ index: Int) -> StoredValue {
    let node = nodes[index]
    let start = node + Self.nodeHeaderSize + Int(bytes.load(node + 6, UInt16.self))
    switch bytes.load(node + 4, UInt16.self) {
    case Self.bigData: return .overflow(first: bytes.load(start, UInt64.self), size: size(node))
    case Self.tree: return .tree(TreeRecord(bytes, at: start))
    default: return .inline(Array(bytes[start..<start + size(node)]))
    }
  }

  /// Whether the keys ascend, from `lower` on and below `upper` (nil: no bound). The first key of a
  /// branch is not used, and empty.
  func hasKeys(inOrder order: KeyOrder, within range: KeyRange) -> Bool {
    var last: [UInt8]?
    for index in (kind == .branch ? 1 : 0)..<count {
      let key = key(index)
      guard order.accepts(key), range.contains(key, in: order),
        last.map({ order.precedes($0, key) }) ?? true
      else { return false }
      last = key
    }
    return true
  }
}

/// The value of a key, as a leaf page stores it.
package enum StoredValue: Equatable {
  /// In the leaf page.
  case inline([UInt8])
  /// In pages of its own.
  case overflow(first: UInt64, size: Int)
  /// The record of a table.
  case tree(TreeRecord)
}

/// The record of a tree of pages (`MDB_db`).
package struct TreeRecord: Hashable, Sendable {
  static let size = 48
  /// The root of a tree without entries.
  static let noPage = UInt64.max
  /// LMDB's trees are never deeper.
  static let deepest = 32

  let flags: UInt16
  let depth: Int
  let branchPages: UInt64
  let leafPages: UInt64
  let overflowPages: UInt64
  /// The number of entries.
  package let entries: UInt64
  let root: UInt64

  /// - Precondition: there are 48 bytes at the offset.
  init(_ bytes: [UInt8], at offset: Int) {
    flags = bytes.load(offset + 4, UInt16.self)
    depth = Int(bytes.load(offset + 6, UInt16.self))
    branchPages = bytes.load(offset + 8, UInt64.self)
    leafPages = bytes.load(offset + 16, UInt64.self)
    overflowPages = bytes.load(offset + 24, UInt64.self)
    entries = bytes.load(offset + 32, UInt64.self)
    root = bytes.load(offset + 40, UInt64.self)
  }
}

/// How the keys of a tree are ordered.
enum KeyOrder {
  /// By their bytes.
  case bytes
  /// As numbers of 8 bytes in native order: transactions, in the tree of free pages.
  case numbers

  func accepts(_ key: [UInt8]) -> Bool { self == .bytes ? !key.isEmpty : key.count == 8 }

  func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    self == .bytes
      ? a.lexicographicallyPrecedes(b) : a.load(0, UInt64.self) < b.load(0, UInt64.self)
  }
}

extension [UInt8] {
  /// A number in native byte order; the offset is checked.
  func load<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ type: Value.Type) -> Value
  {
    span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }
}
