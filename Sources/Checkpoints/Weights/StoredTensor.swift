import Glibc

/// A tensor stored in a checkpoint: row-major, little-endian, memory-mapped.
package struct StoredTensor: Sendable {
  let type: ElementType
  let shape: [Int]
  let file: MappedFile
  /// The range of its bytes in the file.
  let range: Range<Int>

  /// Passes its bytes to `body`.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try file.withBytes(range, body)
  }

  /// The number of elements: the product of the shape.
  var count: Int { range.count / type.size }

  /// Whether another tensor is bit-identical.
  func equals(_ other: StoredTensor) -> Bool {
    guard type == other.type, shape == other.shape else { return false }
    if file === other.file, range == other.range { return true }
    defer {
      file.release(range)
      other.file.release(other.range)
    }
    guard !range.isEmpty else { return true }
    return withBytes { bytes in
      other.withBytes { memcmp(bytes.baseAddress!, $0.baseAddress!, bytes.count) == 0 }
    }
  }
}
