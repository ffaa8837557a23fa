/// Lends memory for so many floats, which mean nothing yet, from a multiple of 64 on.
func withScratch(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
  withUnsafeTemporaryAllocation(
    byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64
  ) { bytes in
    guard let start = bytes.bindMemory(to: Float.self).baseAddress else { return }
    body(start)
  }
}
