/// A safetensors file with the given header, unchecked, and data.
func safetensors(header: String, data: [UInt8]) -> [UInt8] {
  let header = Array(header.utf8)
  return littleEndian(UInt64(header.count)) + header + data
}

/// A well-formed safetensors file of tensors (name, type, shape, bytes).
func safetensors(_ tensors: [(String, String, [Int], [UInt8])]) -> [UInt8] {
  var entries: [String] = []
  var data: [UInt8] = []
  for (name, type, shape, bytes) in tensors {
    let offsets = [data.count, data.count + bytes.count]
    entries.append(
      "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}")
    data += bytes
  }
  return safetensors(header: "{" + entries.joined(separator: ",") + "}", data: data)
}

func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

func bytes(_ floats: [Float]) -> [UInt8] { floats.flatMap { littleEndian($0.bitPattern) } }
