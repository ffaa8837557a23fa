internal import Glibc

/// The unused pages of an LMDB file, as listed in its free-page table: a tree whose leaves hold
/// lists of page numbers (lmdb's mdb.c, `MDB_page`, `MDB_node`, `MDB_IDL`; 64-bit, native byte
/// order).
///
/// Read with `pread` before the file is mapped, so that a truncated file is an error and not a
/// SIGBUS. Malformed pages count as having no free pages.
struct FreePages {
  private static let branch: UInt16 = 1
  private static let leaf: UInt16 = 2
  private static let overflow: UInt16 = 4
  /// A value stored in overflow pages.
  private static let bigData: UInt16 = 1
  private static let headerSize = 16
  private static let nodeHeaderSize = 8
  /// LMDB's trees are never deeper.
  private static let deepest = 32
  /// More pages than any free list takes; a damaged tree may contain cycles.
  private static let mostPages = 1 << 20

  private let file: Int32
  private let pageSize: Int
  private var pages: Set<UInt64> = []
  private var visited = 0

  /// - Parameter root: The root page of the free-page table, from the newest meta page.
  init(of file: Int32, pageSize: Int, root: UInt64) {
    self.file = file
    self.pageSize = pageSize
    if root != .max { visit(root, depth: 0) }
  }

  /// Whether all pages of the range are free.
  func cover(_ range: ClosedRange<UInt64>) -> Bool {
    UInt64(pages.count) > range.upperBound - range.lowerBound && range.allSatisfy(pages.contains)
  }

  private mutating func visit(_ number: UInt64, depth: Int) {
    visited += 1
    guard depth < Self.deepest, visited < Self.mostPages,
      let page = read(pageSize, at: number)
    else { return }
    let flags = integer(page, 10, UInt16.self)
    let keys = (Int(integer(page, 12, UInt16.self)) - Self.headerSize) / 2
    guard keys > 0, Self.headerSize + 2 * keys <= pageSize else { return }
    for key in 0..<keys {
      let node = Int(integer(page, Self.headerSize + 2 * key, UInt16.self))
      guard node + Self.nodeHeaderSize <= pageSize else { return }
      let low = UInt64(integer(page, node, UInt32.self))
      let nodeFlags = integer(page, node + 4, UInt16.self)
      if flags & Self.branch != 0 {
        visit(low | UInt64(nodeFlags) << 32, depth: depth + 1)
      } else if flags & Self.leaf != 0 {
        let start = node + Self.nodeHeaderSize + Int(integer(page, node + 6, UInt16.self))
        take(page, at: start, size: Int(low), isBig: nodeFlags & Self.bigData != 0)
      }
    }
  }

  /// A list: a count, then that many page numbers, u64 each.
  private mutating func take(_ page: [UInt8], at start: Int, size: Int, isBig: Bool) {
    var list = page
    var start = start
    if isBig {
      guard start + 8 <= pageSize, size <= 8 * Self.mostPages,
        let value = read(Self.headerSize + size, at: integer(page, start, UInt64.self)),
        integer(value, 10, UInt16.self) & Self.overflow != 0
      else { return }
      (list, start) = (value, Self.headerSize)
    }
    guard size >= 8, start + size <= list.count else { return }
    let count = integer(list, start, UInt64.self)
    guard count <= UInt64(size / 8 - 1) else { return }
    for index in 1..<(1 + Int(count)) {
      pages.insert(integer(list, start + 8 * index, UInt64.self))
    }
  }

  /// The first `size` bytes of a page; nil if the file is too short.
  private func read(_ size: Int, at number: UInt64) -> [UInt8]? {
    guard number < UInt64(Int.max / pageSize) else { return nil }
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = max(0, pread(file, buffer.baseAddress, size, off_t(Int(number) * pageSize)))
    }
    return bytes.count == size ? bytes : nil
  }

  private func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: [UInt8], _ offset: Int, _ type: Value.Type
  ) -> Value {
    bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
  }
}
