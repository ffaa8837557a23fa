internal import Files
internal import Store

/// A table of numbers in a `.npy` file, read a few rows at a time.
struct NumpyFile {
  let header: NumpyHeader
  private let file: InputFile
  private let dataStart: Int

  /// Opens a file; its length must be what its header says.
  init(_ path: String) throws(RetrievalError) {
    file = try asRetrievalError { try InputFile(path) }
    do throws(NumpyFault) {
      let start = try Self.read(0..<min(12, file.size), of: file)
      let place = try NumpyHeader.place(by: start)
      guard place.upperBound <= file.size else { throw NumpyFault("cut short in its header") }
      header = try NumpyHeader(text: try Self.read(place, of: file))
      dataStart = place.upperBound
      guard file.size - dataStart == header.dataSize else {
        throw NumpyFault(
          "\(file.size - dataStart) bytes of numbers, where \(header.rows) × \(header.columns) of "
            + "\(header.element.rawValue) are \(header.dataSize); copy the file again")
      }
    } catch {
      throw RetrievalError("\(path): \(error.reason)")
    }
  }

  /// The numbers of some rows, one row after another, as 32-bit floats.
  func rows(_ rows: Range<Int>) throws(RetrievalError) -> [Float] {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= header.rows, "no such rows")
    let start = dataStart + rows.lowerBound * header.rowSize
    let bytes = try asRetrievalError {
      try file.read(start..<start + rows.count * header.rowSize)
    }
    let count = rows.count * header.columns
    return bytes.withUnsafeBytes { bytes in
      switch header.element {
      case .float16:
        (0..<count).map {
          Float(Float16(bitPattern: bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)))
        }
      case .float32:
        (0..<count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
      case .float64:
        (0..<count).map {
          Float(bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self))
        }
      }
    }
  }

  /// An error of reading is one of the file, which names it; its reason is told here.
  private static func read(_ range: Range<Int>, of file: InputFile) throws(NumpyFault) -> [UInt8] {
    do { return try file.read(range) } catch { throw NumpyFault("cannot be read to its end") }
  }
}

/// Writes a table of 32-bit floats to a `.npy` file, row by row.
final class NumpyWriter {
  private let file: OutputFile
  private let header: NumpyHeader
  private var rows = 0

  /// Begins a file that will hold so many rows.
  init(_ path: String, rows: Int, columns: Int) throws(RetrievalError) {
    (header, file) = try asRetrievalError {
      let header = NumpyHeader(rows: rows, columns: columns)
      let file = try OutputFile(path)
      try file.write(header.bytes)
      return (header, file)
    }
  }

  /// Appends a row.
  func write(_ row: [Float]) throws(RetrievalError) {
    precondition(row.count == header.columns && rows < header.rows, "no such row was announced")
    try asRetrievalError { try file.write(EmbeddingCodec.encode(row)) }
    rows += 1
  }

  /// Brings the file to the disk; all rows must have been written.
  func finish() throws(RetrievalError) {
    precondition(rows == header.rows, "\(rows) rows where \(header.rows) were announced")
    try asRetrievalError { try file.finish() }
  }
}
