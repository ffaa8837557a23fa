/// The type of a stored tensor's elements, by its name in a safetensors header.
public enum ElementType: String, Sendable {
  case bool = "BOOL"
  case int8 = "I8"
  case uint8 = "U8"
  case int16 = "I16"
  case uint16 = "U16"
  case int32 = "I32"
  case uint32 = "U32"
  case int64 = "I64"
  case uint64 = "U64"
  case float8e4m3 = "F8_E4M3"
  case float8e5m2 = "F8_E5M2"
  case float8e8m0 = "F8_E8M0"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float32 = "F32"
  case float64 = "F64"
  case complex64 = "C64"

  /// The size of an element, in bytes.
  public var size: Int {
    switch self {
    case .bool, .int8, .uint8, .float8e4m3, .float8e5m2, .float8e8m0: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64, .complex64: 8
    }
  }

  /// Whether weights of this type are supported.
  var isWeight: Bool {
    switch self {
    case .float32, .float16, .bfloat16, .int8: true
    default: false
    }
  }
}

extension ElementType {
  /// Converts stored elements to floats, in loops that the compiler vectorises for the baseline
  /// CPU; `bytes` need not be aligned.
  /// - Parameters:
  ///   - scale: The factor for the elements of an I8 row; 1 for other types.
  ///   - floats: One float per element of `bytes`.
  func convert(
    _ bytes: UnsafeRawBufferPointer, scale: Float, to floats: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(bytes.count == floats.count * size)
    guard let source = bytes.baseAddress, let target = floats.baseAddress else { return }
    switch self {
    case .float32:
      UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: bytes.count)
    case .float16:
      for i in 0..<floats.count {
        target[i] = Self.float(half: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
      }
    case .bfloat16:
      for i in 0..<floats.count {
        let bits = source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
        target[i] = Float(bitPattern: UInt32(bits) << 16)
      }
    case .int8:
      for i in 0..<floats.count {
        target[i] = Float(source.load(fromByteOffset: i, as: Int8.self)) * scale
      }
    default:
      preconditionFailure("\(rawValue) is not a weight type")
    }
  }

  /// Converts a half to a float without a CPU instruction, which the x86-64 baseline lacks: a
  /// multiplication rebiases the exponent and normalises subnormals; infinities and NaNs get a
  /// float's exponent of all ones.
  @inline(__always)
  private static func float(half: UInt16) -> Float {
    let magnitude = UInt32(half & 0x7FFF) << 13
    let rebiased = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
    let bits = magnitude >= 0x7C00 << 13 ? magnitude | 0x7F80_0000 : rebiased
    return Float(bitPattern: bits | UInt32(half & 0x8000) << 16)
  }
}
