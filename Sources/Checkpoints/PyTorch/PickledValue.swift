/// What a pickle says, as far as a checkpoint needs it.
enum PickledValue {
  /// None, a boolean, a float, a list, or an integer of more than 64 bits: of no use to a reader of
  /// tensors.
  case unused
  case integer(Int)
  case string(String)
  /// By their places in what the reader has made.
  case tuple(Int), dictionary(Int), storage(Int), tensor(Int)
  case name(PickledName)
}

/// The only names that a pickle may mention.
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

/// A storage that lies beside the pickle, under its key.
struct PickledStorage {
  let type: ElementType
  let key: String
  /// Elements.
  let count: Int
}

/// A view of a storage; offset and strides in elements. Nothing of it is checked yet.
struct PickledTensor {
  let storage: PickledStorage
  let offset: Int
  let shape, strides: [Int]
}

/// Why a pickle is not read.
struct PickleRefusal: Error {
  let reason: String
}
