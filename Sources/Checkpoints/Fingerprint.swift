import Digests

/// What tells one model from another: SHA-256, in hex, of the bytes of the small files and of the
/// weights, whose names, types and shapes go in whole and whose data is sampled.
///
/// Embeddings of two models cannot be compared, so an index keeps the fingerprint of the model it
/// was made with and every run compares it with the model at hand. Hashing all of a published
/// BLIP (900 MB) would cost that run more than its search. Tensors of at most 64 KiB go in whole
/// (biases, norms, scales, heads: of every layer something does), of larger ones every 64th page
/// of 4 KiB and their last 4 KiB: training moves all of a tensor's numbers, so models that differ
/// differ in what is sampled. It is no defence against someone who edits weights in between; that
/// needs a digest of the whole file. Pages are counted from each tensor's own start and tensors go
/// in by name, so that neither the order in a file nor a cut into shards matters.
func fingerprintOf(files: [[UInt8]], _ weights: Weights) -> String {
  var digest = SHA256()
  // Lengths go before what they measure: no two models can run together to the same bytes.
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
    // The system maps the pages around those that are read, too.
    tensor.file.release(tensor.range)
  }
  return hexadecimal(digest.finish())
}

/// The bytes of a tensor of `count` bytes that its fingerprint takes.
func sampledRanges(of count: Int) -> [Range<Int>] {
  if count <= 64 << 10 { return [0..<count] }
  let page = 4096
  return stride(from: 0, to: count - page, by: 64 * page).map { $0..<$0 + page }
    + [count - page..<count]
}
