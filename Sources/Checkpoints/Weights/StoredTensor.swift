import Glibc

/// A tensor as a checkpoint stores it: row-major, little-endian, mapped.
public struct StoredTensor: Sendable {
  let type: ElementType
  let shape: [Int]
  let file: MappedFile
  /// Where its bytes lie in the file.
  let range: Range<Int>

  /// Lends its bytes.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    file.withBytes(range, body)
  }

  /// The number of elements: the product of the shape.
  var count: Int { range.count / type.size }

  /// Whether another tensor is the same, to the bit.
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
