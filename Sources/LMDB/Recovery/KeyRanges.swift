/// Keys from `lower` on and before `upper`; nil is no bound.
package struct KeyRange: Equatable, Sendable {
  package var lower: [UInt8]?
  package var upper: [UInt8]?

  package static let all = KeyRange(lower: nil, upper: nil)

  /// A range of one key.
  static func only(_ key: [UInt8]) -> KeyRange { KeyRange(lower: key, upper: key + [0]) }

  /// Whether the range includes a key.
  package func contains(_ key: [UInt8]) -> Bool { contains(key, in: .bytes) }

  func contains(_ key: [UInt8], in order: KeyOrder) -> Bool {
    if let lower, order.precedes(key, lower) { return false }
    if let upper, !order.precedes(key, upper) { return false }
    return true
  }
}

/// A set of keys, by ranges.
struct KeyRanges {
  /// In order, and apart from each other.
  private let ranges: [KeyRange]

  init(_ ranges: [KeyRange]) {
    var apart: [KeyRange] = []
    for range in ranges.sorted(by: { Self.precedes($0.lower, $1.lower) }) {
      guard let last = apart.last, Self.reaches(last.upper, range.lower) else {
        apart.append(range)
        continue
      }
      if let upper = last.upper {
        let isLonger = range.upper.map { upper.lexicographicallyPrecedes($0) } ?? true
        if isLonger { apart[apart.count - 1].upper = range.upper }
      }
    }
    self.ranges = apart
  }

  var isEmpty: Bool { ranges.isEmpty }

  func contains(_ key: [UInt8]) -> Bool {
    // The last range that begins at the key or before it.
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].lower.map({ key.lexicographicallyPrecedes($0) }) ?? false {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return low > 0 && ranges[low - 1].contains(key)
  }

  private static func precedes(_ a: [UInt8]?, _ b: [UInt8]?) -> Bool {
    guard let b else { return false }
    return a.map { $0.lexicographicallyPrecedes(b) } ?? true
  }

  /// Whether a range that ends at `upper` touches one that begins at `lower`.
  private static func reaches(_ upper: [UInt8]?, _ lower: [UInt8]?) -> Bool {
    guard let upper, let lower else { return true }
    return !upper.lexicographicallyPrecedes(lower)
  }
}
