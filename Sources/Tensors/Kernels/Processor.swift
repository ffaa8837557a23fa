internal import CKernels

/// What this machine's processor can do, as far as the choice of kernels depends on it.
public struct Processor: Sendable, Equatable {
  /// The manufacturer's name for it, such as "AMD EPYC 9R14"; empty where it does not say.
  public let name: String
  /// AVX2 and FMA.
  public let hasAVX2: Bool
  /// AVX-512 with the extensions that every processor for servers has: F, CD, BW, DQ and VL.
  public let hasAVX512: Bool

  /// The one that this process runs on.
  public static let current: Processor = {
    var processor = kernel_processor()
    let name = withUnsafeBytes(of: &processor.name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return Processor(
      name: name.split(separator: " ").joined(separator: " "), hasAVX2: processor.avx2,
      hasAVX512: processor.avx512)
  }()
}
