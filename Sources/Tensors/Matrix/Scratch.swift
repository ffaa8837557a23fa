/// Calls `body` with uninitialised memory for `count` floats, aligned to 64 bytes.
func withScratch(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
  withUnsafeTemporaryAllocation(
    byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64
  ) { bytes in
    guard let start = bytes.bindMemory(to: Float.self).baseAddress else { return }
    body(start)
  }
}
