internal import Tensors

/// Rows of numbers of which more come and some go: those there were at first as they are, later ones in
/// pieces, so that none of them has to move.
struct VectorRows: Sendable {
  private static let rowsOfPiece = 1024

  private let first: Matrix
  private var pieces: [[Float]] = []
  /// Rows of later pieces that are to be used again, and how many there are of these in all.
  private var freeRows: [Int] = []
  private var laterRows = 0

  init(_ first: Matrix) { self.first = first }

  /// Keeps a vector, and returns its row.
  mutating func store(_ vector: ArraySlice<Float>) -> Int {
    precondition(vector.count == first.columns)
    if let row = freeRows.popLast() {
      let (piece, range) = place(of: row)
      pieces[piece].replaceSubrange(range, with: vector)
      return row
    }
    if laterRows % Self.rowsOfPiece == 0 {
      pieces.append([])
      pieces[pieces.count - 1].reserveCapacity(Self.rowsOfPiece * first.columns)
    }
    pieces[pieces.count - 1] += vector
    laterRows += 1
    return first.rows + laterRows - 1
  }

  /// Gives up a row. The first ones' memory stays as it is.
  mutating func free(row: Int) {
    if row >= first.rows { freeRows.append(row) }
  }

  subscript(row row: Int) -> ArraySlice<Float> {
    guard row >= first.rows else { return first[row: row] }
    let (piece, range) = place(of: row)
    return pieces[piece][range]
  }

  func withBytes<Result>(ofRow row: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
    guard row >= first.rows else {
      return try body(
        first.values.span.extracting(row * first.columns..<(row + 1) * first.columns).bytes)
    }
    let (piece, range) = place(of: row)
    let numbers = pieces[piece]
    return try body(numbers.span.extracting(range).bytes)
  }

  private func place(of row: Int) -> (piece: Int, range: Range<Int>) {
    let (piece, rest) = (row - first.rows).quotientAndRemainder(dividingBy: Self.rowsOfPiece)
    return (piece, rest * first.columns..<(rest + 1) * first.columns)
  }
}
