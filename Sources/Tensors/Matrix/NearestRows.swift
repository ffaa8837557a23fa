internal import CKernels

/// Finds, for every row of `x`, the nearest row of `centres` by Euclidean distance: the one with the
/// greatest score x·c − |c|²/2, and the first of equal ones.
/// - Returns: The index of a row of `centres` and the score for each row of `x`. The squared distance
///   is |x|² − 2 · score.
public func nearestRows(of x: Matrix, among centres: Matrix) -> (rows: [Int], scores: [Float]) {
  precondition(x.columns == centres.columns && centres.rows > 0, "shapes do not agree")
  let halfNorms = centres.squaredNorms().map { $0 / 2 }
  var rows = [Int](repeating: 0, count: x.rows)
  var scores = [Float](repeating: 0, count: x.rows)
  x.withPointer { x_ in
    centres.withPointer { centres_ in
      rows.withUnsafeMutableBufferPointer { rows_ in
        nonisolated(unsafe) let rows_ = rows_
        scores.withUnsafeMutableBufferPointer { scores_ in
          nonisolated(unsafe) let scores_ = scores_
          inParallel(
            rows: x.rows, multipleOf: 16, operations: x.rows * x.columns * centres.rows
          ) { part in
            findNearest(
              part, of: Block(x_, x.columns), among: Block(centres_, x.columns), halfNorms
            ) { row, centre, score in
              rows_[row] = centre
              scores_[row] = score
            }
          }
        }
      }
    }
  }
  return (rows, scores)
}

extension Matrix {
  /// |row|² of every row.
  public func squaredNorms() -> [Float] {
    withPointer { values in
      (0..<rows).map {
        Float(kernel_dot(values + $0 * columns, values + $0 * columns, columns))
      }
    }
  }
}

/// Products are computed and searched in tiles that stay in the processor's caches.
private let tileRows = 256
private let tileColumns = 1024

private func findNearest(
  _ range: Range<Int>, of x: Block<UnsafePointer<Float>>,
  among centres: Block<UnsafePointer<Float>>, _ halfNorms: [Float],
  _ found: (_ row: Int, _ centre: Int, _ score: Float) -> Void
) {
  withScratch(tileRows * tileColumns) { products in
    var best = [(centre: Int, score: Float)]()
    for first in stride(from: range.lowerBound, to: range.upperBound, by: tileRows) {
      let rows = min(tileRows, range.upperBound - first)
      best.removeAll(keepingCapacity: true)
      best.append(
        contentsOf: repeatElement((centre: 0, score: -Float.infinity), count: rows))
      for column in stride(from: 0, to: halfNorms.count, by: tileColumns) {
        let columns = min(tileColumns, halfNorms.count - column)
        MatrixProduct(rows: rows, columns: columns, depth: x.stride, transposesB: true)(
          Block(x.start + first * x.stride, x.stride),
          Block(centres.start + column * centres.stride, centres.stride),
          into: Block(products, columns))
        halfNorms.withUnsafeBufferPointer { halfNorms in
          let halfNorms = UnsafeBufferPointer(rebasing: halfNorms[column..<column + columns])
          for row in 0..<rows {
            let (centre, score) = greatestDifference(
              UnsafeBufferPointer(start: products + row * columns, count: columns), halfNorms)
            if score > best[row].score { best[row] = (column + centre, score) }
          }
        }
      }
      for row in 0..<rows { found(first + row, best[row].centre, best[row].score) }
    }
  }
}

/// The greatest element of a − b and its index, the first of equal ones.
private func greatestDifference(
  _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>
) -> (index: Int, value: Float) {
  typealias Lanes = SIMD8<Float>
  let (a_, b_) = (UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
  var values = Lanes(repeating: -.infinity)
  var vectors = SIMD8<Int32>.zero
  let whole = a.count / 8
  for vector in 0..<whole {
    let offset = vector * MemoryLayout<Lanes>.size
    let difference =
      a_.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
      - b_.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
    let isGreater = difference .> values
    values.replace(with: difference, where: isGreater)
    vectors.replace(with: SIMD8(repeating: Int32(truncatingIfNeeded: vector)), where: isGreater)
  }
  var best = (index: 0, value: -Float.infinity)
  for lane in 0..<8 where whole > 0 {
    let index = Int(vectors[lane]) * 8 + lane
    if values[lane] > best.value || (values[lane] == best.value && index < best.index) {
      best = (index, values[lane])
    }
  }
  for index in whole * 8..<a.count where a[index] - b[index] > best.value {
    best = (index, a[index] - b[index])
  }
  return best
}
