import FoundationEssentials

/// Reads the tensors of a safetensors file: 8 bytes of header length, the header as a JSON object,
/// the data. The header is fully validated before any data is read: every tensor's bytes are inside
/// the file, match its shape and type and do not overlap another tensor's, and together they fill
/// the file.
func readSafetensors(_ path: String) throws(CheckpointError) -> [String: StoredTensor] {
  let file = try MappedFile(path: path)
  let (header, dataStart) = try readHeader(file)
  var tensors: [String: StoredTensor] = [:]
  for (name, entry) in header.entries {
    tensors[name] = try readTensor(name, entry, in: file, dataStart: dataStart)
  }
  try checkLayout(tensors, in: file, dataStart: dataStart)
  return tensors
}

/// The `__metadata__` in the header of a safetensors file.
package func safetensorsMetadata(_ path: String) throws(CheckpointError) -> [String: String] {
  try readHeader(MappedFile(path: path)).0.metadata
}

/// The header: its entries by tensor name. Only one entry of a repeated name is decoded; the bytes
/// of the other are then a gap.
private struct Header: Decodable {
  var entries: [String: Entry] = [:]
  var metadata: [String: String] = [:]

  init(from decoder: any Decoder) throws {
    let header = try decoder.container(keyedBy: Name.self)
    let notes = Name(stringValue: "__metadata__")
    metadata = (try? header.decode([String: String].self, forKey: notes)) ?? [:]
    for name in header.allKeys where name.stringValue != "__metadata__" {
      entries[name.stringValue] = try header.decode(Entry.self, forKey: name)
    }
  }

  struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  struct Entry: Decodable {
    let type: String
    let shape, offsets: [Int]

    private enum CodingKeys: String, CodingKey {
      case shape
      case type = "dtype"
      case offsets = "data_offsets"
    }

    init(from decoder: any Decoder) throws {
      func invalid(_ reason: String) -> Fault {
        Fault(tensor: decoder.codingPath.last?.stringValue ?? "", reason: reason)
      }
      guard let entry = try? decoder.container(keyedBy: CodingKeys.self) else {
        throw invalid("its entry is not a JSON object")
      }
      guard let type = try? entry.decode(String.self, forKey: .type) else {
        throw invalid("it has no dtype")
      }
      guard let shape = try? entry.decode([Int].self, forKey: .shape),
        shape.allSatisfy({ $0 >= 0 })
      else { throw invalid("its shape is not a list of non-negative integers") }
      guard let offsets = try? entry.decode([Int].self, forKey: .offsets), offsets.count == 2,
        offsets.allSatisfy({ $0 >= 0 })
      else { throw invalid("its data_offsets are not two non-negative integers") }
      (self.type, self.shape, self.offsets) = (type, shape, offsets)
    }
  }

  struct Fault: Error {
    let tensor, reason: String
  }
}

/// Over a hundred times that of a BLIP model; the format itself allows six times as much.
private let maximumHeaderLength = 16 << 20

private func readHeader(_ file: MappedFile) throws(CheckpointError) -> (Header, Int) {
  let path = file.path
  guard file.count >= 8 else {
    throw CheckpointError(
      "\(path): not a safetensors file: it has only \(file.count) bytes; fetch it again")
  }
  let length = file.withBytes(0..<8) { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
  guard length <= maximumHeaderLength else {
    throw CheckpointError(
      "\(path): not a safetensors file: its header length is \(length) bytes; at most "
        + "\(maximumHeaderLength) are allowed")
  }
  let dataStart = 8 + Int(length)
  guard dataStart <= file.count else {
    throw CheckpointError(
      "\(path): truncated: its header has \(length) bytes, the file \(file.count); fetch it again")
  }
  do {
    let bytes = file.withBytes(8..<dataStart) { Data($0) }
    return (try JSONDecoder().decode(Header.self, from: bytes), dataStart)
  } catch let fault as Header.Fault {
    throw CheckpointError("\(path): tensor \"\(fault.tensor)\": \(fault.reason)")
  } catch DecodingError.typeMismatch {
    throw CheckpointError("\(path): the header is not a JSON object")
  } catch {
    throw CheckpointError("\(path): the header is not JSON; fetch the file again")
  }
}

private func readTensor(
  _ name: String, _ entry: Header.Entry, in file: MappedFile, dataStart: Int
) throws(CheckpointError) -> StoredTensor {
  func invalid(_ reason: String) -> CheckpointError {
    CheckpointError("\(file.path): tensor \"\(name)\": \(reason)")
  }
  let (shape, start, end) = (entry.shape, entry.offsets[0], entry.offsets[1])
  guard let type = ElementType(rawValue: entry.type) else {
    throw invalid("its dtype \"\(entry.type)\" is unknown")
  }
  guard start <= end, end <= file.count - dataStart else {
    throw invalid(
      "its bytes \(start)..<\(end) are outside the \(file.count - dataStart) bytes of data; "
        + "the file is truncated or its header is wrong")
  }
  guard let needed = product(shape + [type.size]), needed == end - start else {
    throw invalid(
      "\(entry.type) \(shape) does not match the \(end - start) bytes of its data_offsets"
    )
  }
  let range = dataStart + start..<dataStart + end
  return StoredTensor(type: type, shape: shape, file: file, range: range)
}

/// The product of non-negative numbers; nil if the product of the non-zero ones overflows.
func product(_ factors: [Int]) -> Int? {
  var product = 1
  for factor in factors {
    let (next, overflow) = product.multipliedReportingOverflow(by: max(factor, 1))
    if overflow { return nil }
    product = next
  }
  return factors.contains(0) ? 0 : product
}

private func checkLayout(
  _ tensors: [String: StoredTensor], in file: MappedFile, dataStart: Int
) throws(CheckpointError) {
  let inOrder = tensors.sorted {
    ($0.value.range.lowerBound, $0.value.range.upperBound, $0.key)
      < ($1.value.range.lowerBound, $1.value.range.upperBound, $1.key)
  }
  var end = dataStart
  for (name, tensor) in inOrder {
    guard tensor.range.lowerBound == end else {
      let fault = tensor.range.lowerBound < end ? "overlap another tensor's" : "leave a gap"
      throw CheckpointError("\(file.path): tensor \"\(name)\": its bytes \(fault)")
    }
    end = tensor.range.upperBound
  }
  guard end == file.count else {
    throw CheckpointError("\(file.path): \(file.count - end) bytes at its end belong to no tensor")
  }
}
