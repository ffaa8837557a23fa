internal import CKernels

/// Σ aᵢ·bᵢ. Of normalised vectors, this is the cosine, with an error below 1e-7.
public func dot(_ a: [Float], _ b: [Float]) -> Float {
  a.withPointer(count: a.count) { a_ in
    b.withPointer(count: a.count) { Float(kernel_dot(a_, $0, a.count)) }
  }
}

/// Divides a vector by its length; a zero vector is unchanged.
public func normalized(_ vector: [Float]) -> [Float] {
  // The same lower bound as in PyTorch and Hugging Face.
  let length = max(dot(vector, vector).squareRoot(), 1e-12)
  return vector.map { $0 / length }
}

/// Writes the rows of x, normalised as by `normalized`, into y, which takes the shape of x.
public func normalizeRows(_ x: Matrix, into y: inout Matrix) {
  let columns = x.columns
  y.reshape(rows: x.rows, columns: columns)
  x.withPointer { x_ in
    y.withMutablePointer { y in
      for start in stride(from: 0, to: x.rows * columns, by: max(columns, 1)) {
        let share = Float(
          1 / max(kernel_dot(x_ + start, x_ + start, columns).squareRoot(), 1e-12))
        for index in start..<start + columns { y[index] = x_[index] * share }
      }
    }
  }
}

/// Writes the gradient of x into dx, which takes the shape of x. For a row of length l with
/// y = x / l, it is (dy − y · (y·dy)) / l.
public func normalizeRowsBackward(_ dy: Matrix, of x: Matrix, dx: inout Matrix) {
  let columns = x.columns
  precondition(dy.rows == x.rows && dy.columns == columns)
  dx.reshape(rows: x.rows, columns: columns)
  dy.withPointer { dy in
    x.withPointer { x_ in
      dx.withMutablePointer { dx in
        for start in stride(from: 0, to: x.rows * columns, by: max(columns, 1)) {
          let share = Float(
            1 / max(kernel_dot(x_ + start, x_ + start, columns).squareRoot(), 1e-12))
          let along = Float(kernel_dot(x_ + start, dy + start, columns)) * share * share
          for index in start..<start + columns {
            dx[index] = (dy[index] - x_[index] * along) * share
          }
        }
      }
    }
  }
}
