internal import CKernels

/// Σ aᵢ·bᵢ; the cosine where both are normalised, and then within 1e-7 of exact arithmetic.
public func dot(_ a: [Float], _ b: [Float]) -> Float {
  a.withPointer(count: a.count) { a_ in
    b.withPointer(count: a.count) { Float(kernel_dot(a_, $0, a.count)) }
  }
}

/// Divides a vector by its length; a vector of zeros stays as it is.
public func normalized(_ vector: [Float]) -> [Float] {
  // Hugging Face and PyTorch put the same floor under the length.
  let length = max(dot(vector, vector).squareRoot(), 1e-12)
  return vector.map { $0 / length }
}
