internal import Tensors

/// In which numbers the large linear layers of a model (those of the ViT's blocks, of the text
/// encoder's and decoder's layers and of their cross-attentions, and the decoder's product by the
/// words) are computed. Everything else (embeddings, heads, norms, softmax) is 32-bit floats always;
/// attention and a convolutional stem are in bfloat16 where a precision is not fp32.
public enum Precision: String, Sendable, CaseIterable {
  /// 32-bit floats. Weights that a checkpoint holds in 8 bits are widened, exactly.
  case fp32
  /// Weights rounded to bfloat16, and so what they are multiplied by where the processor multiplies
  /// bfloat16 (AVX-512 BF16: twice as fast); sums in 32-bit floats; half the memory.
  case bf16
  /// Weights of 7 bits with a scale for each output, activations of 7 bits with a scale and a zero
  /// point for each row, exact integer sums.
  case int8
  /// bf16 where the processor multiplies bfloat16, else fp32: what int8 gains in speed it takes from
  /// accuracy, which is for a person to decide.
  case auto

  /// What `auto` stands for; the precision itself otherwise.
  public var resolved: Precision {
    guard self == .auto else { return self }
    return KernelBuild.best == .avx512 ? .bf16 : .fp32
  }
}
