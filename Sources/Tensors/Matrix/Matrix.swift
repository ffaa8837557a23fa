/// A dense row-major matrix of `Float`, `[rows, columns]`.
public struct Matrix: Sendable, Equatable {
  /// Number of rows.
  public private(set) var rows: Int
  /// Number of columns.
  public private(set) var columns: Int
  /// The numbers, row after row; `rows * columns` of them.
  public var values: [Float]

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, values: [Float](repeating: 0, count: rows * columns))
  }

  /// A matrix over the given numbers, row after row.
  public init(rows: Int, columns: Int, values: [Float]) {
    precondition(values.count == rows * columns, "a \(rows)×\(columns) matrix of \(values.count)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// A matrix of nothing, to be given a shape by what is written into it.
  public init() {
    self.init(rows: 0, columns: 0)
  }

  /// Gives the matrix another shape for what is about to be written. Its memory is kept, so a
  /// matrix that is written again and again is allocated once; its numbers mean nothing afterwards.
  public mutating func reshape(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0)
    values.resize(to: rows * columns)
    self.rows = rows
    self.columns = columns
  }

  /// The numbers of one row.
  public subscript(row row: Int) -> ArraySlice<Float> {
    precondition(row >= 0 && row < rows)
    return values[row * columns..<(row + 1) * columns]
  }

  /// The rows `range`, in a matrix of their own.
  public func rows(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    return Matrix(
      rows: range.count, columns: columns,
      values: Array(values[range.lowerBound * columns..<range.upperBound * columns]))
  }

  /// The rows of the given numbers, one behind the other.
  public func rows(_ indices: [Int]) -> Matrix {
    var gathered = [Float]()
    gathered.reserveCapacity(indices.count * columns)
    for row in indices { gathered.append(contentsOf: self[row: row]) }
    return Matrix(rows: indices.count, columns: columns, values: gathered)
  }

  /// Writes rows of another matrix of as many columns over those from `first` on.
  public mutating func replaceRows(from first: Int, with range: Range<Int>, of other: Matrix) {
    precondition(other.columns == columns && range.upperBound <= other.rows)
    precondition(first >= 0 && first + range.count <= rows)
    values.replaceSubrange(
      first * columns..<(first + range.count) * columns,
      with: other.values[range.lowerBound * columns..<range.upperBound * columns])
  }
}

extension Matrix {
  /// Lends the numbers to a kernel.
  func withPointer<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    values.withPointer(count: rows * columns, body)
  }

  /// Lends the numbers to a kernel that writes them.
  mutating func withMutablePointer<Result>(
    _ body: (UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    values.withMutablePointer(count: rows * columns, body)
  }
}

extension [Float] {
  /// Makes room for so many numbers, which mean nothing yet, without giving memory back.
  mutating func resize(to count: Int) {
    if count > self.count {
      append(contentsOf: repeatElement(0, count: count - self.count))
    } else {
      removeLast(self.count - count)
    }
  }
}

/// The two ways by which numbers reach C: each checks that there are as many as the kernel was told.
extension [Float] {
  func withPointer<Result>(count: Int, _ body: (UnsafePointer<Float>) -> Result) -> Result {
    precondition(self.count == count, "\(self.count) numbers where \(count) are expected")
    return withUnsafeBufferPointer { body($0.baseAddress ?? UnsafePointer(placeholder)) }
  }

  mutating func withMutablePointer<Result>(
    count: Int, _ body: (UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    precondition(self.count == count, "\(self.count) numbers where \(count) are expected")
    return withUnsafeMutableBufferPointer { body($0.baseAddress ?? placeholder) }
  }
}

/// Stands for the address of no numbers; never read or written.
private nonisolated(unsafe) let placeholder = UnsafeMutablePointer<Float>.allocate(capacity: 1)
