internal import Files
internal import LMDB

/// A copy of the settings in a file of its own, for a repair that finds them nowhere in `data.mdb`: the sealed
/// row of `meta_copy`. Counters in it may be behind.
enum SettingsFile {
  static let name = "settings"
  private static let longest = 1 << 20

  /// Whether a file's name is its own, or that of one which a process was writing when it was killed.
  static func isName(_ other: String) -> Bool {
    other == name || other.hasPrefix(name + ".") && other.hasSuffix(".tmp")
  }

  /// The rows of `meta`; nil if there is no such file, or it is not as it was written.
  static func rows(at folder: String) -> SettingsCopy.Rows? {
    let path = Array("\(folder)/\(name)".utf8)
    return (try? FileSystem.read(path, limit: longest).bytes).flatMap(SettingsCopy.rows(ofStray:))
  }

  /// Brings the file up to date with the index. One that cannot be written, for instance on a full disk, is left
  /// to the next run.
  static func update(of store: IndexStore) {
    guard let row = try? store.read({ try $0.sealedSettings() }),
      let rows = SettingsCopy.rows(ofStray: row)
    else { return }
    let isCounter = { (name: [UInt8]) in
      [MetadataTable.Counter.picture, .text].contains { Array($0.rawValue.utf8) == name }
    }
    let known = Self.rows(at: store.path)?.filter { !isCounter($0.key) }
    guard known != rows.filter({ !isCounter($0.key) }) else { return }
    guard let file = try? AtomicFile("\(store.path)/\(name)") else { return }
    try? file.write(row)
    try? file.commit()
  }
}

extension IndexSnapshot {
  /// The sealed row of the copy of the settings; nil in an index of format 1 to 4.
  fileprivate func sealedSettings() throws -> [UInt8]? {
    try tables.settingsCopy?.rows.bytes(SettingsCopy.key, in: transaction) { row in
      row.withUnsafeBytes { Array($0) }
    }
  }
}
