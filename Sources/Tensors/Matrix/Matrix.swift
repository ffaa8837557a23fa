/// A dense row-major matrix of `Float`, `[rows, columns]`.
public struct Matrix: Sendable, Equatable {
  /// Number of rows.
  public private(set) var rows: Int
  /// Number of columns.
  public private(set) var columns: Int
  /// The `rows * columns` numbers, row by row.
  public var values: [Float]

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns, values: [Float](repeating: 0, count: rows * columns))
  }

  /// A matrix of the given numbers, row by row.
  public init(rows: Int, columns: Int, values: [Float]) {
    precondition(
      values.count == rows * columns, "a \(rows)×\(columns) matrix of \(values.count) numbers")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// An empty matrix; whatever writes into it gives it its shape.
  public init() {
    self.init(rows: 0, columns: 0)
  }

  /// Changes the shape before new contents are written; the old numbers are undefined afterwards.
  /// The memory is kept, so that a matrix that is written repeatedly is allocated once.
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

  /// A copy of the rows in `range`.
  public func rows(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    return Matrix(
      rows: range.count, columns: columns,
      values: Array(values[range.lowerBound * columns..<range.upperBound * columns]))
  }

  /// A copy of the rows with the given indices, in that order.
  public func rows(_ indices: [Int]) -> Matrix {
    var gathered = [Float]()
    gathered.reserveCapacity(indices.count * columns)
    for row in indices { gathered.append(contentsOf: self[row: row]) }
    return Matrix(rows: indices.count, columns: columns, values: gathered)
  }

  /// Replaces rows, from `first` on, by rows of another matrix with as many columns.
  public mutating func replaceRows(from first: Int, with range: Range<Int>, of other: Matrix) {
    precondition(other.columns == columns && range.upperBound <= other.rows)
    precondition(first >= 0 && first + range.count <= rows)
    values.replaceSubrange(
      first * columns..<(first + range.count) * columns,
      with: other.values[range.lowerBound * columns..<range.upperBound * columns])
  }
}

extension Matrix {
  /// Calls a kernel with the numbers.
  func withPointer<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    values.withPointer(count: rows * columns, body)
  }

  /// Calls a kernel that writes the numbers.
  mutating func withMutablePointer<Result>(
    _ body: (UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    values.withMutablePointer(count: rows * columns, body)
  }
}

extension [Float] {
  /// Changes the number of elements without releasing memory; the contents are undefined.
  mutating func resize(to count: Int) {
    if count > self.count {
      append(contentsOf: repeatElement(0, count: count - self.count))
    } else {
      removeLast(self.count - count)
    }
  }
}

/// All numbers are passed to C by one of these two, which check the count that the kernel is told.
extension [Float] {
  func withPointer<Result>(count: Int, _ body: (UnsafePointer<Float>) -> Result) -> Result {
    precondition(self.count == count, "\(self.count) numbers instead of \(count)")
    return withUnsafeBufferPointer { body($0.baseAddress ?? UnsafePointer(placeholder)) }
  }

  mutating func withMutablePointer<Result>(
    count: Int, _ body: (UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    precondition(self.count == count, "\(self.count) numbers instead of \(count)")
    return withUnsafeMutableBufferPointer { body($0.baseAddress ?? placeholder) }
  }
}

/// The address of an empty array; never read or written.
private nonisolated(unsafe) let placeholder = UnsafeMutablePointer<Float>.allocate(capacity: 1)
