internal import Files

/// Finds the pictures that records name in another way than the file system does: in another Unicode
/// normal form (`é` is one character or two), or by another folder, where their last name is that of
/// one picture and of one name in the captions file.
///
/// What a record names exactly comes first; that is for the caller to see.
package struct CaptionPictureFinder {
  /// Pictures that were found by their last name, and a name of one with its path.
  package private(set) var foundByLastName = 0
  package private(set) var example: (name: String, path: [UInt8])?

  private let resolver: CaptionPathResolver
  private let records: [CaptionRecord]
  private let pictures: () -> [[UInt8]]
  private lazy var names = Names(resolver, records, pictures())

  /// - Parameters:
  ///   - records: All of the captions file.
  ///   - pictures: The paths of all pictures, as ``CaptionPathResolver/paths(of:)`` gives them; asked for once,
  ///     when needed.
  package init(
    _ resolver: CaptionPathResolver, records: [CaptionRecord], pictures: @escaping () -> [[UInt8]]
  ) {
    self.resolver = resolver
    self.records = records
    self.pictures = pictures
  }

  /// The path of a record's picture; nil where none fits, or more than one.
  package mutating func path(of record: CaptionRecord) -> [UInt8]? {
    for path in resolver.paths(of: record) {
      if let found = names.byPath[String(decoding: path, as: UTF8.self)] { return found }
    }
    for name in record.names.map(Self.lastName) where names.named[name] != nil {
      guard let found = names.byLastName[name] else { continue }
      foundByLastName += 1
      if example == nil { example = (record.names[0], found) }
      return found
    }
    return nil
  }

  /// What is to be said of the pictures that were found by their last name.
  package func warning(of file: String) -> String? {
    example.map { name, path in
      "\(counted(foundByLastName, "record")) of the captions file \(file) "
        + (foundByLastName == 1 ? "names a picture" : "name pictures")
        + " by another path, such as \(printable(name)) for \(printable(path))"
    }
  }

  /// The part of a name behind its last slash or backslash.
  fileprivate static func lastName(_ name: String) -> String {
    String(name.split { $0 == "/" || $0 == "\\" }.last ?? "")
  }

  /// Strings are equal in Swift where their normal forms are.
  private struct Names {
    var byPath = Unique<[UInt8]>()
    var byLastName = Unique<[UInt8]>()
    /// The picture that a last name stands for in the captions file, by its full name.
    var named = Unique<String>()

    init(_ resolver: CaptionPathResolver, _ records: [CaptionRecord], _ pictures: [[UInt8]]) {
      for path in pictures {
        guard let name = String(validating: path, as: UTF8.self) else { continue }
        byPath.insert(path, name)
        byLastName.insert(path, name.split(separator: "/").last.map(String.init) ?? "")
      }
      for record in records {
        guard let path = resolver.absolutePaths(of: record).first else { continue }
        let identity = String(decoding: path, as: UTF8.self)
        for name in Set(record.names.map(lastName)) { named.insert(identity, name) }
      }
    }
  }
}

/// Values by keys; nil for a key that has several.
private struct Unique<Value: Equatable> {
  private var values: [String: Value?] = [:]

  mutating func insert(_ value: Value, _ key: String) {
    if let known = values[key] {
      if known != value { values[key] = .some(nil) }
    } else {
      values[key] = .some(value)
    }
  }

  subscript(key: String) -> Value? { values[key] ?? nil }
}

extension CaptionPictureFinder {
  /// The files below a folder, relative to it; links to folders are not followed, hidden names left
  /// out. Nothing where there are more than two million.
  static func files(below root: [UInt8]) -> [[UInt8]] {
    var files: [[UInt8]] = []
    var folders: [[UInt8]] = [[]]
    while let folder = folders.popLast() {
      guard let entries = try? FileSystem.entries(ofFolder: joined(root, folder)) else { continue }
      for entry in entries where entry.name.first != .dot {
        let path = joined(folder, entry.name)
        switch entry.kind {
        case .folder: folders.append(path)
        case .file: files.append(path)
        case .symbolicLink, .unknown:
          if (try? FileSystem.status(joined(root, path)))?.kind == .file { files.append(path) }
        case .other: break
        }
      }
      guard files.count + folders.count <= 2_000_000 else { return [] }
    }
    return files
  }
}
