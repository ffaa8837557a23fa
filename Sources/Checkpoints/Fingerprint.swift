import Digests

/// A model's fingerprint: the SHA-256, in hex, of its small files and of its weights' names, types,
/// shapes and sampled data. The configuration comes without its member `blip`.
///
/// Embeddings of different models cannot be compared, so an index stores the fingerprint of its
/// model and every run compares it with that of the model in use. Hashing all of a published BLIP
/// (900 MB) would take longer than a search. Tensors of at most 64 KiB are hashed completely
/// (biases, norms, scales, heads: some in every layer); of larger ones, every 64th page of 4 KiB
/// and the last 4 KiB: training changes all values of a tensor, so different models differ in the
/// samples. This does not protect against deliberate changes between the samples; that needs a
/// digest of the entire file. Pages are counted from each tensor's start and tensors are hashed in
/// the order of their names, so neither their order in a file nor sharding matters.
func fingerprintOf(files: [[UInt8]], _ weights: Weights) -> String {
  var digest = SHA256()
  // Each field is prefixed by its length, so that different models never give the same bytes.
  func feed(_ digest: inout SHA256, _ text: String) {
    var text = "\(text.utf8.count):\(text)"
    text.withUTF8 { digest.update(UnsafeRawBufferPointer($0)) }
  }
  for file in files {
    feed(&digest, "file \(file.count)")
    file.withUnsafeBytes { digest.update($0) }
  }
  weights.forEachStored { name, tensor in
    feed(&digest, name)
    feed(&digest, "\(tensor.type.rawValue) \(tensor.shape.count)")
    tensor.shape.withUnsafeBytes { digest.update($0) }
    tensor.withBytes { bytes in
      for range in sampledRanges(of: bytes.count) {
        digest.update(UnsafeRawBufferPointer(rebasing: bytes[range]))
      }
    }
    // The system also maps pages around those that are read.
    tensor.file.release(tensor.range)
  }
  return hexadecimal(digest.finish())
}

/// The ranges of a tensor of `count` bytes that the fingerprint samples.
func sampledRanges(of count: Int) -> [Range<Int>] {
  if count <= 64 << 10 { return [0..<count] }
  let page = 4096
  return stride(from: 0, to: count - page, by: 64 * page).map { $0..<$0 + page }
    + [count - page..<count]
}
