/// A value in a pickle, as far as checkpoints need it.
enum PickledValue {
  /// None, a boolean, a float, a list, or an integer of more than 64 bits: not needed to read
  /// tensors.
  case unused
  case integer(Int)
  case string(String)
  /// By index into the reader's arrays.
  case tuple(Int), dictionary(Int), storage(Int), tensor(Int)
  case name(PickledName)
}

/// The only names that a pickle may refer to.
enum PickledName: Equatable {
  case orderedDict, rebuildTensor, rebuildParameter
  case storage(ElementType)

  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDict
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch", _):
      guard let type = Self.storages[name] else { return nil }
      self = .storage(type)
    default: return nil
    }
  }

  private static let storages: [String: ElementType] = [
    "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
  ]
}

/// A storage, which is a separate file entry named by its key.
struct PickledStorage {
  let type: ElementType
  let key: String
  /// The number of elements.
  let count: Int
}

/// A view of a storage, not yet validated; offset and strides are in elements.
struct PickledTensor {
  let storage: PickledStorage
  let offset: Int
  let shape, strides: [Int]
}

/// Why a pickle is rejected.
struct PickleError: Error {
  let reason: String
}
