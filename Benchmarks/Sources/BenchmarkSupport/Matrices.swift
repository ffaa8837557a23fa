import Foundation
public import Tensors

/// Reads matrices of `rows` × `columns` from a file of raw little-endian floats.
public func readMatrices(_ path: String, rows: Int, columns: Int) throws -> [Matrix] {
  let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
  let size = rows * columns
  guard bytes.count % (4 * size) == 0 else {
    throw BenchmarkError("\(path) has \(bytes.count) bytes; delete it and run again")
  }
  return bytes.withUnsafeBytes { bytes in
    let numbers = bytes.bindMemory(to: Float.self)
    return stride(from: 0, to: numbers.count, by: size).map {
      Matrix(rows: rows, columns: columns, values: Array(numbers[$0..<$0 + size]))
    }
  }
}
