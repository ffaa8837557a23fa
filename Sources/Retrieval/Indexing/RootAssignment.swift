import Files
import Store

/// Which roots of an index the folders of a run are.
struct RootAssignment {
  /// The numbers of the folders' roots, in the order of the folders.
  let numbers: [Int]
  /// The roots of the index, these among them.
  let roots: CollectionRoots

  /// A folder is the root that the index has at its path, or that has moved there: most of its pictures are in
  /// the folder. Another one is added, unless none of the folders is known: an index is not filled with another
  /// collection by mistake.
  /// - Parameter index: The path of the index, for errors.
  init(
    _ contents: CollectionContents, in snapshot: borrowing IndexSnapshot, of index: String
  ) throws {
    var roots = snapshot.metadata.roots
    let paths = contents.roots.map { String(decoding: $0.path, as: UTF8.self) }
    var numbers = paths.map { roots.root(at: $0)?.number }
    let isNew = roots.all.isEmpty
    if numbers.contains(nil) {
      let named = Set(
        numbers.compactMap(\.self) + contents.absent.compactMap { roots.root(at: $0)?.number })
      let others = roots.all.map(\.number).filter { !named.contains($0) }
      let found = try Self.compare(
        contents, unknown: numbers.map { $0 == nil }, others, in: snapshot)
      for place in numbers.indices where numbers[place] == nil {
        let moved = others.first { number in
          let total = found.totals[number, default: 0]
          let isEmpty = total == 0 && roots.all.count == 1
          return !numbers.contains(number)
            && (isEmpty || total > 0 && 2 * found.kept[place][number, default: 0] >= total)
        }
        guard let moved else { continue }
        numbers[place] = moved
        roots.move(moved, to: paths[place])
      }
      guard isNew || !contents.absent.isEmpty || numbers.contains(where: { $0 != nil }) else {
        throw RetrievalError(
          .collectionMismatch,
          "the index \(index) is of \(roots.all.map { printable($0.path) }.joined(separator: ", ")), and "
            + "most of its pictures are not in \(printable(paths[0])); use another index, or, to add the "
            + "folder to this one, name a folder of the index too")
      }
      for place in numbers.indices where numbers[place] == nil {
        numbers[place] = roots.add(paths[place])
      }
    }
    if let fault = roots.fault { throw RetrievalError(.invalidOption, fault) }
    self.numbers = numbers.compactMap(\.self)
    self.roots = roots
  }

  /// How many pictures roots of the index have, and how many of them lie, by their paths, in each folder.
  private static func compare(
    _ contents: CollectionContents, unknown: [Bool], _ roots: [Int],
    in snapshot: borrowing IndexSnapshot
  ) throws -> (totals: [Int: Int], kept: [[Int: Int]]) {
    let found = zip(contents.roots, unknown).map { root, isUnknown in
      isUnknown ? Set(root.scan.pictures.lazy.map(\.path)) : []
    }
    var totals: [Int: Int] = [:]
    var kept = [[Int: Int]](repeating: [:], count: found.count)
    guard !roots.isEmpty else { return (totals, kept) }
    try snapshot.forEachPicture { _, record in
      let (root, path) = CollectionRoots.parts(of: record.path)
      guard roots.contains(root) else { return }
      totals[root, default: 0] += 1
      for (place, paths) in found.enumerated() where paths.contains(path) {
        kept[place][root, default: 0] += 1
      }
    }
    return (totals, kept)
  }
}
