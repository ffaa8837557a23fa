internal import Tensors

/// The number format in which the large linear layers of a model (those of the ViT's blocks, of the text
/// encoder's and decoder's layers and of their cross-attentions, and the decoder's product by the
/// words) are computed. Everything else (embeddings, heads, norms, softmax) always uses 32-bit floats;
/// attention and a convolutional stem use bfloat16 unless the precision is fp32.
public enum Precision: String, Sendable, CaseIterable {
  /// 32-bit floats. Weights that a checkpoint holds in 8 bits are converted exactly.
  case fp32
  /// Weights rounded to bfloat16, as are their factors where the processor multiplies bfloat16
  /// (AVX-512 BF16: twice as fast); sums in 32-bit floats; half the memory.
  case bf16
  /// 7-bit weights with a scale for each output, 7-bit activations with a scale and a zero point for
  /// each row, exact integer sums.
  case int8
  /// bf16 where the processor multiplies bfloat16, else fp32: int8 trades accuracy for speed, which is
  /// the user's choice.
  case auto

  /// What `auto` stands for; the precision itself otherwise.
  public var resolved: Precision {
    guard self == .auto else { return self }
    return KernelBuild.best == .avx512 ? .bf16 : .fp32
  }
}
