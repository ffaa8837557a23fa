internal import Files
internal import Glibc

/// A data file that is read page by page without LMDB, which trusts its file: here every length,
/// offset and page number is checked, and what cannot be right is an error or left out.
///
/// Pages are read with `pread`: a file that shrinks meanwhile is short, and not a SIGBUS.
package final class PageFile {
  static let pageSizes = 512...65536
  private static let usualPageSize = 4096
  private static let metaPage: UInt16 = 8

  /// The file.
  package let path: String
  /// The size of a page in bytes.
  package let pageSize: Int
  /// The size of the file in bytes.
  let size: Int
  /// The number of whole pages.
  package let pageCount: UInt64
  /// The two meta pages; nil where one is invalid.
  let metas: [MetaPage?]
  private let descriptor: Int32
  /// Where pages lie that are not in their place.
  private var moved: [UInt64: UInt64] = [:]

  /// Opens a file. Throws if it cannot be read or is not a regular file.
  package init(_ path: String) throws(LMDBError) {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw LMDBError(ResultCode(rawValue: errno), path: path) }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      let code = ResultCode(rawValue: errno)
      close(file)
      throw LMDBError(code, path: path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(file)
      throw LMDBError(.invalid, path: path, detail: "not a regular file; move it away")
    }
    let (first, second, size) = Self.metas(of: file)
    self.path = path
    descriptor = file
    pageSize = size
    self.size = Int(status.st_size)
    pageCount = UInt64(max(0, status.st_size)) / UInt64(size)
    metas = [first, second]
  }

  deinit { close(descriptor) }

  /// The valid meta pages, the newest first.
  package var snapshots: [MetaPage] {
    metas.compactMap { $0 }.sorted { $0.transaction > $1.transaction }
  }

  /// The meta pages, and the size of pages that they agree on.
  private static func metas(of file: Int32) -> (MetaPage?, MetaPage?, Int) {
    func meta(_ index: Int, _ size: Int) -> MetaPage? {
      let start = index * size
      let bytes = try? FileSystem.read(file, start..<start + MetaPage.size)
      guard let meta = bytes.flatMap({ MetaPage($0, index: UInt64(index)) }) else { return nil }
      return index == 0 || meta.pageSize == size ? meta : nil
    }
    if let first = meta(0, usualPageSize) {
      return (first, meta(1, first.pageSize), first.pageSize)
    }
    var size = pageSizes.lowerBound
    while size <= pageSizes.upperBound {
      if let second = meta(1, size) { return (nil, second, size) }
      size *= 2
    }
    return (nil, nil, usualPageSize)
  }

  /// The bytes of a page; nil past the end of the file.
  func bytes(_ number: UInt64) -> [UInt8]? { bytes(number, count: pageSize) }

  /// The first bytes of the file, as many as a meta page has.
  var header: [UInt8] { (try? FileSystem.read(descriptor, 0..<MetaPage.size)) ?? [] }

  private func bytes(_ number: UInt64, count: Int) -> [UInt8]? {
    guard number < pageCount else { return nil }
    let start = Int(number) * pageSize
    let bytes = try? FileSystem.read(descriptor, start..<start + count)
    return bytes?.count == count ? bytes : nil
  }

  /// A branch or leaf page; throws if it is none.
  func page(_ number: UInt64) throws(MalformedBytes) -> Page {
    guard let bytes = bytes(moved[number] ?? number) else { throw MalformedBytes("past the end") }
    let page = try Page(bytes)
    guard page.number == number else {
      throw MalformedBytes("the page of another place (\(page.number))")
    }
    return page
  }

  /// How many pages a value of overflow pages has; nil if they are not there.
  func overflowPages(_ first: UInt64, size: Int) -> UInt64? {
    guard first >= 2, first < pageCount,
      let header = bytes(moved[first] ?? first, count: Page.headerSize),
      Page.number(of: header) == first, Page.flags(of: header) == Page.overflow
    else { return nil }
    // More than the value needs if a longer one was there before.
    let count = UInt64(header.load(12, UInt32.self))
    let needed = UInt64((Page.headerSize - 1 + size) / pageSize + 1)
    return (needed...max(needed, pageCount - first)).contains(count) ? count : nil
  }

  /// The bytes of a value; nil if its pages are not there, or it is the record of a table.
  package func bytes(of value: StoredValue) -> [UInt8]? {
    switch value {
    case .inline(let bytes): return bytes
    case .tree: return nil
    case .overflow(let first, let size):
      guard let count = overflowPages(first, size: size) else { return nil }
      guard let place = moved[first] else {
        return bytes(first, count: Page.headerSize + size).map { Array($0[Page.headerSize...]) }
      }
      guard var value = bytes(place) else { return nil }
      for page in 1..<max(1, count) { value += bytes(first + page) ?? [] }
      guard value.count >= Page.headerSize + size else { return nil }
      return Array(value[Page.headerSize..<Page.headerSize + size])
    }
  }

  /// Looks for pages that lie where another page belongs, such as pages that were exchanged. From now
  /// on they are read where they are.
  package func findMovedPages() {
    var found: [UInt64: UInt64] = [:]
    for place in 2..<max(2, pageCount) {
      guard let header = bytes(place, count: Page.headerSize) else { continue }
      let number = Page.number(of: header)
      guard number != place, number >= 2, number < pageCount, isHeader(header, at: place),
        let owner = bytes(number, count: Page.headerSize), Page.number(of: owner) != number
      else { continue }
      found[number] = place
    }
    moved = found
  }

  /// Whether bytes are the header of a page that can be one.
  private func isHeader(_ header: [UInt8], at place: UInt64) -> Bool {
    if Page.flags(of: header) == Page.overflow {
      return (1...pageCount).contains(UInt64(header.load(12, UInt32.self)))
    }
    return bytes(place).map { (try? Page($0)) != nil } ?? false
  }
}

/// One of the two pages of a data file that say where its trees begin. Layout: a page header of 16
/// bytes, then magic, version, address, map size, the trees of free pages and of tables (the first
/// begins with the page size), last page, transaction.
package struct MetaPage: Sendable, Equatable {
  static let size = 152
  private static let magic: UInt32 = 0xBEEF_C0DE
  private static let version: UInt32 = 1
  private static let flag: UInt16 = 8

  let pageSize: Int
  let freePages: TreeRecord
  /// The tree of the records of tables.
  let main: TreeRecord
  let lastPage: UInt64
  /// The transaction that wrote it.
  package let transaction: UInt64

  /// Nil if the bytes are not a valid meta page. Transactions write the two pages in turn.
  init?(_ bytes: [UInt8], index: UInt64) {
    guard bytes.count >= Self.size, Page.number(of: bytes) == index, Self.isMeta(bytes),
      bytes.load(20, UInt32.self) == Self.version
    else { return nil }
    pageSize = Int(bytes.load(40, UInt32.self))
    freePages = TreeRecord(bytes, at: 40)
    main = TreeRecord(bytes, at: 88)
    lastPage = bytes.load(136, UInt64.self)
    transaction = bytes.load(144, UInt64.self)
    guard PageFile.pageSizes.contains(pageSize), pageSize.nonzeroBitCount == 1,
      transaction == 0 || transaction & 1 == index
    else { return nil }
  }

  /// Whether bytes look like a meta page of any version.
  static func isMeta(_ bytes: [UInt8]) -> Bool {
    bytes.count >= size && Page.flags(of: bytes) & flag != 0
      && bytes.load(16, UInt32.self) == magic
  }

  /// Whether bytes that look like a meta page are of another version of LMDB's format.
  static func isOfOtherVersion(_ bytes: [UInt8]) -> Bool {
    isMeta(bytes) && bytes.load(20, UInt32.self) != version
  }
}
