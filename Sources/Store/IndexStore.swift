internal import Glibc
internal import LMDB
import Synchronization

/// The folder of an index: one LMDB environment with typed tables, as `indexes/README.md`
/// describes them.
///
/// Many processes can read while one writes; a second writer waits. A folder can be open once in a
/// process.
package final class IndexStore: Sendable {
  /// The folder.
  package let path: String
  /// Something the user should know about how the index could be opened; nil where all is well.
  package let warning: String?
  let environment: Environment
  private let tables: IndexTables
  private let current: Mutex<IndexMetadata>

  /// What the index said of itself when it was opened, or last changed through this store.
  package var metadata: IndexMetadata { current.withLock { $0 } }

  init(path: String, environment: Environment, tables: IndexTables) {
    self.path = path
    self.environment = environment
    self.tables = tables
    current = Mutex(tables.layout)
    warning = Self.warning(path, environment)
  }

  /// Opens an index for reading; throws with what to do where there is none, or it is of another
  /// format version. A folder that cannot be written is read without a mark for writers elsewhere,
  /// which then must not run (`warning`).
  package static func open(_ path: String) throws(RetrievalError) -> IndexStore {
    try requireIndex(at: path)
    return try asRetrievalError {
      let environment = try Environment(
        path, access: .readOnly, checking: [MetadataTable.name, SettingsCopy.name])
      let transaction = try ReadTransaction(environment)
      if try transaction.isEnvironmentEmpty() { throw nothing(at: path) }
      let tables = try openTables(of: path, in: transaction)
      try transaction.commit()
      return IndexStore(path: path, environment: environment, tables: tables)
    }
  }

  /// Throws where there is no index.
  static func requireIndex(at path: String) throws(RetrievalError) {
    switch try IndexFolder(path) {
    case .index: break
    case .vacant: throw nothing(at: path)
    case .foreign(let name): throw IndexFolder.occupied(path, by: name)
    }
  }

  /// What the index at `path` says of itself; nil where there is none yet: no folder, nothing in
  /// it, or a `data.mdb` that a run made which was killed before it had begun.
  package static func metadata(at path: String) throws(RetrievalError) -> IndexMetadata? {
    guard case .index = try IndexFolder(path) else { return nil }
    return try asRetrievalError {
      let transaction = try ReadTransaction(
        Environment(path, access: .readOnly, checking: [MetadataTable.name, SettingsCopy.name]))
      return try transaction.isEnvironmentEmpty()
        ? nil : openTables(of: path, in: transaction).layout
    }
  }

  private static func nothing(at path: String) -> RetrievalError {
    RetrievalError(.noIndex, "\(path): there is no index here")
  }

  /// Opens for writing, created with `metadata` where there is no index yet. An index made with another
  /// model (fingerprint) or other feature settings is an error that names both; so is a directory that
  /// holds other things. Name, collection and model path of an existing index are left as they are
  /// (`IndexWriter.update` sets them). An index of an older format is upgraded.
  package static func openForWriting(_ path: String, metadata: IndexMetadata) throws(RetrievalError)
    -> IndexStore
  {
    try openForWriting(path) { _ in metadata }
  }

  /// The same with metadata that depends on that of the existing index, which is nil where there is none.
  package static func openForWriting(
    _ path: String, metadata: (_ existing: IndexMetadata?) throws -> IndexMetadata
  ) throws(RetrievalError) -> IndexStore {
    try IndexFolder.prepare(path)
    return try asRetrievalError {
      let environment = try Environment(
        path, access: .readWrite, checking: [MetadataTable.name, SettingsCopy.name])
      // LMDB trusts the pages, and would spread the damage.
      try environment.checkPages().requireSound(path)
      let tables = try environment.write { transaction in
        if try transaction.isEnvironmentEmpty() {
          return try createTables(of: path, metadata(nil), in: transaction)
        }
        let tables = try openTables(of: path, in: transaction)
        try tables.layout.requireSameLayout(as: metadata(tables.layout), index: path)
        try MetadataTable.upgrade(tables.meta, in: transaction)
        return try IndexTables(upgrading: tables, in: transaction)
      }
      let store = IndexStore(path: path, environment: environment, tables: tables)
      SettingsFile.update(of: store)
      return store
    }
  }

  private static func createTables(
    of path: String, _ metadata: IndexMetadata, in transaction: borrowing WriteTransaction
  ) throws -> IndexTables {
    if let fault = metadata.sizes.fault {
      throw RetrievalError(
        .unusableModel, "\(metadata.model.path): the model has the \(fault); use another one")
    }
    let meta = try Table<UTF8Text, UTF8Text>(
      opening: MetadataTable.name, in: transaction, create: true)
    try MetadataTable.create(meta, metadata, in: transaction)
    let tables = try IndexTables(
      of: path, meta: meta, layout: metadata,
      format: MetadataTable.format(meta, of: path, in: transaction), in: transaction, create: true)
    try tables.rebuildTerms(in: transaction)
    try tables.completeWrite(in: transaction)
    return tables
  }

  /// The tables that a run that rebuilds the vector index makes again.
  package static let rebuiltTables: Set = ["lists", "centroids", "places", "terms"]

  /// A number that grows with every change of the index, by whatever process.
  package var generation: UInt64 { environment.lastTransaction }

  /// Whether the index directory is the one that was opened, its settings are those that were read then, and no
  /// process waits for it to be closed.
  package func isCurrent() throws -> Bool {
    guard environment.isCurrent else { return false }
    return try environment.read { try MetadataTable.read(tables.meta, of: path, in: $0) }
      == metadata
  }

  /// Waits until no process asks for an index directory alone any more, but not for ever.
  package static func waitForExclusiveUse(of path: String) {
    for _ in 0..<300 where ExclusiveRequest.exists(in: path) { usleep(20_000) }
  }

  /// Whether it was opened for writing.
  package var isWritable: Bool { environment.access == .readWrite }

  /// Throws where what is to be written does not fit this index; name, collection and model path may
  /// differ.
  package func requireSameLayout(as metadata: IndexMetadata) throws(RetrievalError) {
    try tables.layout.requireSameLayout(as: metadata, index: path)
  }

  /// Opens an existing index for writing, whatever model and settings it was made with.
  package static func openAnyForWriting(_ path: String) throws(RetrievalError) -> IndexStore {
    guard case .index = try IndexFolder(path) else { return try open(path) }
    return try openForWriting(path) { existing in
      guard let existing else { throw nothing(at: path) }
      return existing
    }
  }

  /// Checks the metadata of an index that is there, then opens its tables.
  private static func openTables<T: Transaction & ~Copyable>(
    of path: String, in transaction: borrowing T
  ) throws -> IndexTables {
    do {
      let meta = try Table<UTF8Text, UTF8Text>(opening: MetadataTable.name, in: transaction)
      let layout = try MetadataTable.read(meta, of: path, in: transaction)
      let tables = try IndexTables(
        of: path, meta: meta, layout: layout,
        format: MetadataTable.format(meta, of: path, in: transaction), in: transaction,
        create: false)
      if let copy = tables.settingsCopy {
        try SettingsCopy.verify(meta, copy, of: path, in: transaction)
      }
      return tables
    } catch ResultCode.notFound {
      throw RetrievalError(
        .notAnIndex,
        "\(path): data.mdb is not an index of blip; choose another directory, or delete this one and "
          + "index again")
    }
  }

  private static func warning(_ path: String, _ environment: Environment) -> String? {
    if let network = NetworkFileSystem.name(of: path) {
      return "\(path): lies on a network file system (\(network)); what another machine writes "
        + "there meanwhile can make this one read nonsense"
    }
    if !environment.isLocked {
      return "\(path): the folder cannot be written, so a run of `blip index` does not see this "
        + "reader; do not index into it meanwhile"
    }
    if environment.access == .readWrite, environment.mapSize < Environment.standardMapSize {
      return "\(path): only \(environment.mapSize >> 20) MiB of address space could be reserved; "
        + "the index cannot grow past that before the limit is raised (ulimit -v)"
    }
    return nil
  }

  /// Runs `body` on a consistent view of the index.
  package func read<Result>(_ body: (borrowing IndexSnapshot) throws -> Result) throws -> Result {
    try translatingStoreErrors {
      let snapshot = IndexSnapshot(
        transaction: try ReadTransaction(environment), tables: tables, metadata: metadata)
      return try body(snapshot)
    }
  }

  /// One LMDB transaction: all of the body's changes or none. They are on the disk when it returns.
  ///
  /// - Precondition: not inside another `write` of the same thread.
  package func write<Result>(_ body: (borrowing IndexWriter) throws -> Result) throws -> Result {
    try translatingStoreErrors {
      let change = IndexWriter(transaction: try WriteTransaction(environment), tables: tables)
      let result = try body(change)
      let metadata = try change.metadata()
      try change.commit()
      let hasNewSettings = current.withLock { current in
        defer { current = metadata }
        return current != metadata
      }
      if hasNewSettings { SettingsFile.update(of: self) }
      return result
    }
  }
}
