internal import CKernels

/// In which numbers a `PackedMatrix` is kept.
public enum PackedFormat: UInt8, Sendable, CaseIterable {
  /// 32-bit floats.
  case float32 = 0
  /// Integers of 8 bits with a scale for every row, widened to floats before they are multiplied.
  case scaledBytes = 1
  /// Floats rounded to their upper 16 bits. With `KernelBuild.avx512` the other factor is rounded
  /// too and the sums are 32-bit floats; other builds widen them before they are multiplied.
  case bfloat16 = 2
  /// Integers in −63…63 with a scale for every row. They are multiplied by the integers in 0…127 to
  /// which every row of the other factor is rounded, with a step and an offset of its own.
  case integers = 3
}

/// Where the parts of a packed matrix lie, each from a multiple of 64 on: the numbers in panels, and a
/// scale and a sum for every row where the format has them.
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

  /// The parts of the matrix that begins at `start`. Only what is being packed is written to.
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
