internal import CKernels

/// The number format of a `PackedMatrix`.
public enum PackedFormat: UInt8, Sendable, CaseIterable {
  /// 32-bit floats.
  case float32 = 0
  /// 8-bit integers with a scale for each row, widened to floats when multiplied.
  case scaledBytes = 1
  /// Floats rounded to their upper 16 bits. `KernelBuild.avx512` rounds the other factor too and
  /// sums in 32-bit floats; other builds widen them to floats when multiplied.
  case bfloat16 = 2
  /// Integers in −63…63 with a scale for each row. Each row of the other factor is quantised to
  /// integers in 0…127, with its own step and offset.
  case integers = 3
}

/// The layout of a packed matrix: the numbers in panels, and a scale and a sum for each row if the
/// format has them. Each part is aligned to 64 bytes.
struct PackedLayout {
  let format: PackedFormat
  let byteCount: Int
  private let scales, sums: Int

  init(_ format: PackedFormat, rows: Int, columns: Int) {
    func rounded(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }
    self.format = format
    switch format {
    case .float32: scales = rounded(4 * kernel_packed_count(kernel_floats, rows, columns))
    case .scaledBytes: scales = rounded(kernel_packed_count(kernel_bytes, rows, columns))
    case .bfloat16: scales = rounded(2 * kernel_packed_count(kernel_bfloat16, rows, columns))
    case .integers: scales = rounded(kernel_packed_count(kernel_integers, rows, columns))
    }
    sums = scales + (format == .scaledBytes || format == .integers ? rounded(4 * rows) : 0)
    byteCount = sums + (format == .integers ? rounded(4 * rows) : 0)
  }

  /// The parts of the matrix at `start`. They are written to only while packing.
  func panels(at start: UnsafeRawPointer) -> kernel_panels {
    let start = UnsafeMutableRawPointer(mutating: start)
    let scales = (start + scales).assumingMemoryBound(to: Float.self)
    let sums = (start + sums).assumingMemoryBound(to: Float.self)
    switch format {
    case .float32:
      return kernel_panels(format: kernel_floats, numbers: start, scales: nil, sums: nil)
    case .scaledBytes:
      return kernel_panels(format: kernel_bytes, numbers: start, scales: scales, sums: nil)
    case .bfloat16:
      return kernel_panels(format: kernel_bfloat16, numbers: start, scales: nil, sums: nil)
    case .integers:
      return kernel_panels(format: kernel_integers, numbers: start, scales: scales, sums: sums)
    }
  }
}
