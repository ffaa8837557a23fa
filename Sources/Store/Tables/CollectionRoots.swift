internal import Files

/// A folder whose pictures are in an index.
public struct CollectionRoot: Sendable, Equatable {
  /// By which its pictures are told from those of other roots; it stays when the root is moved.
  public let number: Int
  /// The absolute path when it was last indexed.
  public var path: String

  /// A root by its parts.
  package init(number: Int, path: String) { (self.number, self.path) = (number, path) }
}

/// The folders whose pictures are in an index, and where a picture lies.
///
/// Pictures of root 0 are stored by their paths relative to it, those of root *n* by `/n/` and the path relative
/// to that root. No relative path begins with a slash, so that all stored paths differ, and those of an index
/// with a single root are as they were before there could be several.
public struct CollectionRoots: Sendable, Equatable {
  /// By ascending numbers.
  public private(set) var all: [CollectionRoot]

  /// The most roots of an index.
  static let most = 1000

  /// The roots of an index.
  package init(_ roots: [CollectionRoot]) { all = roots.sorted { $0.number < $1.number } }

  /// A single root.
  package init(_ path: String) { all = path.isEmpty ? [] : [CollectionRoot(number: 0, path: path)] }

  /// The root of a number; nil where there is none.
  package subscript(number: Int) -> CollectionRoot? { all.first { $0.number == number } }

  /// The root that lies at an absolute path.
  package func root(at path: String) -> CollectionRoot? { all.first { $0.path == path } }

  /// Adds a root; returns its number.
  package mutating func add(_ path: String) -> Int {
    let number = all.last.map { $0.number + 1 } ?? 0
    all.append(CollectionRoot(number: number, path: path))
    return number
  }

  /// Records where a root is now.
  package mutating func move(_ number: Int, to path: String) {
    for index in all.indices where all[index].number == number { all[index].path = path }
  }

  /// Removes a root.
  package mutating func remove(_ number: Int) { all.removeAll { $0.number == number } }

  /// Why an index cannot have these roots: two are the same, or one lies in another; nil where it can.
  package var fault: String? {
    for (index, first) in all.enumerated() {
      for second in all[(index + 1)...] {
        if first.path == second.path { return "\(first.path) is named twice" }
        for (inner, outer) in [(first, second), (second, first)] {
          guard relative(Array(inner.path.utf8), to: Array(outer.path.utf8)) != nil else {
            continue
          }
          return
            "\(inner.path) lies in \(outer.path), so that its pictures would be indexed twice; "
            + "index one of the two"
        }
      }
    }
    return all.count > Self.most ? "an index has at most \(Self.most) folders" : nil
  }

  /// How a picture of a root is stored.
  package static func storedPath(_ path: [UInt8], root number: Int) -> [UInt8] {
    number == 0 ? path : Array("/\(number)/".utf8) + path
  }

  /// The root of a stored path, and the path relative to it.
  package static func parts(of stored: [UInt8]) -> (root: Int, path: [UInt8]) {
    guard stored.first == .slash,
      let end = stored.dropFirst().firstIndex(of: .slash),
      let number = Int(String(decoding: stored[1..<end], as: UTF8.self))
    else { return (0, stored) }
    return (number, Array(stored[(end + 1)...]))
  }

  /// Where a picture lies, by its stored path.
  package func location(of stored: [UInt8]) -> [UInt8] {
    let (number, path) = Self.parts(of: stored)
    return joined(Array((self[number]?.path ?? "").utf8), path)
  }

  /// The root that a picture lies in, and its path relative to that; nil where there is no such root.
  package func place(of stored: [UInt8]) -> (root: [UInt8], path: [UInt8])? {
    let (number, path) = Self.parts(of: stored)
    return self[number].map { (Array($0.path.utf8), path) }
  }

  /// What a picture is called, by its stored path: by the path relative to its root or, in an index of several
  /// roots, by that of its location.
  package func name(of stored: [UInt8]) -> [UInt8] {
    all.count > 1 ? location(of: stored) : Self.parts(of: stored).path
  }

  /// The stored path of what lies at an absolute path; nil where it is in no root.
  package func storedPath(ofLocation path: [UInt8]) -> [UInt8]? {
    for root in all {
      if let inside = relative(path, to: Array(root.path.utf8)) {
        return Self.storedPath(inside, root: root.number)
      }
    }
    return nil
  }
}
