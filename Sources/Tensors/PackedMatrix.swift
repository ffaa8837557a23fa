internal import CKernels

/// The matrix of a linear layer, `[rows, columns]`, rearranged once into the order in which a
/// product by its transpose reads it; in 32-bit floats, or in 8-bit integers with a scale for every
/// row, which are widened in registers while they are multiplied.
public struct PackedMatrix: Sendable {
  /// Number of rows: the outputs of the layer.
  public let rows: Int
  /// Number of columns: its inputs.
  public let columns: Int
  private var storage: Storage = .empty

  private enum Storage {
    case empty
    case floats([Float])
    case bytes([Int8], scales: [Float])
  }

  /// A matrix whose numbers are still to be loaded.
  public init(rows: Int, columns: Int) {
    precondition(rows > 0 && columns > 0)
    self.rows = rows
    self.columns = columns
  }

  /// The numbers, row after row; none before they are loaded. Reading and writing rearranges all of
  /// them.
  public var floats: [Float] {
    get {
      guard case .empty = storage else { return unpacked() }
      return []
    }
    set {
      guard !newValue.isEmpty else {
        storage = .empty
        return
      }
      let count = kernel_packed_count(rows, columns)
      let packed = newValue.withPointer(count: rows * columns) { weight in
        [Float](unsafeUninitializedCapacity: count) { packed, written in
          guard let start = packed.baseAddress else { return }
          kernel_pack(weight, rows, columns, start)
          written = count
        }
      }
      storage = .floats(packed)
    }
  }

  /// Takes the numbers `bytes[row, column] · scales[row]`, and keeps them so.
  /// - Parameter bytes: Signed, row after row.
  public mutating func load(bytes: RawSpan, scales: [Float]) {
    precondition(bytes.byteCount == rows * columns && scales.count == rows)
    let count = kernel_packed_count(rows, columns)
    let packed = bytes.withUnsafeBytes { bytes in
      [Int8](unsafeUninitializedCapacity: count) { packed, written in
        guard let start = packed.baseAddress,
          let weight = bytes.assumingMemoryBound(to: Int8.self).baseAddress
        else { return }
        kernel_pack_bytes(weight, rows, columns, start)
        written = count
      }
    }
    storage = .bytes(packed, scales: scales)
  }

  private func unpacked() -> [Float] {
    withPanels { panels in
      [Float](unsafeUninitializedCapacity: rows * columns) { weight, written in
        guard let start = weight.baseAddress else { return }
        kernel_unpack(panels, rows, columns, start)
        written = rows * columns
      }
    }
  }

  /// Lends the rearranged numbers to a kernel.
  func withPanels<Result>(_ body: (kernel_panels) -> Result) -> Result {
    let count = kernel_packed_count(rows, columns)
    switch storage {
    case .empty:
      preconditionFailure("a \(rows)×\(columns) matrix is used before it is loaded")
    case .floats(let floats):
      return floats.withPointer(count: count) {
        body(kernel_panels(floats: $0, bytes: nil, scales: nil))
      }
    case .bytes(let bytes, let scales):
      precondition(bytes.count == count)
      return bytes.withUnsafeBufferPointer { bytes in
        scales.withPointer(count: rows) {
          body(kernel_panels(floats: nil, bytes: bytes.baseAddress, scales: $0))
        }
      }
    }
  }
}
